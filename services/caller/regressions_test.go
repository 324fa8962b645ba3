package caller

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The cases here once went wrong.

// TestNoAttemptIsHidden: net/http sends a request again by itself when a kept connection
// breaks; here every attempt is Retry's own.
func TestNoAttemptIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["retry"],"retry":{"max_attempts":1},"connections":{"mode":"pooled"}}`)
		var broken atomic.Bool
		var asked atomic.Int64
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {
			if asked.Add(1); broken.Load() {
				panic(http.ErrAbortHandler)
			}
			time.Sleep(100 * time.Millisecond)
		})
		answers := make(chan called)
		for range 10 { // to fill the pool
			go func() { answers <- w.call("") }()
		}
		for range 10 {
			<-answers
		}
		if a := w.call(""); !a.Attempts[0].Reused {
			t.Fatalf("nothing was kept: %+v", a.Attempts)
		}
		broken.Store(true)
		asked.Store(0)
		if a := w.call(""); a.said() != "502 failure [error]" || a.Attempts[0].Cause != "closed" || asked.Load() != 1 {
			t.Errorf("%s %+v after %d requests", a.said(), a.Attempts, asked.Load())
		}
		asked.Store(0)
		if a := w.order(`{"order":"A-1","amount":1}`, "key"); a.said() != "502 failure [error]" || asked.Load() != 1 || a.Attempts[0].Reused {
			t.Errorf("order: %s %+v after %d requests", a.said(), a.Attempts, asked.Load())
		}
	})
}

// TestAnAnswerThatBreaksOffHasSaidItsStatus, and its Retry-After.
func TestAnAnswerThatBreaksOffHasSaidItsStatus(t *testing.T) {
	for status, want := range map[int]struct {
		said  string
		after time.Duration
	}{503: {"502 failure [error error]", 3 * time.Second}, 404: {"502 failure [error]", 0}} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t)
			w.serve("upstream.test:80", func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Length", "10")
				rw.Header().Set("Retry-After", "3")
				rw.WriteHeader(status)
				_ = http.NewResponseController(rw).Flush()
				panic(http.ErrAbortHandler)
			})
			begin := time.Now()
			a := w.call("")
			if a.said() != want.said || time.Since(begin) != want.after || a.Attempts[0].Cause != "status" {
				t.Errorf("%d: %s after %v: %+v", status, a.said(), time.Since(begin), a.Attempts)
			}
			if failures := w.state().Engines["handrolled"].Breaker.Failures; status == 404 && failures != 0 {
				t.Errorf("%d: %d failures of the dependency", status, failures)
			}
		})
	}
}

// raw serves connections by hand.
func (w *world) raw(addr string, serve func(net.Conn)) {
	w.Helper()
	l, err := w.network.Listen(addr)
	if err != nil {
		w.Fatal(err)
	}
	w.until(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = l.Close() })
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go func() {
				stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
				defer stop()
				serve(conn)
			}()
		}
		return nil
	})
}

// TestAnAnswerWithoutEnd: a protocol that is switched to, and a body that never stops.
func TestAnAnswerWithoutEnd(t *testing.T) {
	for head, want := range map[string]string{
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n": "502 failure [error]",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n":                         "200 success [ok]",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, `CALLER_POLICY={"order":["retry"]}`)
			w.raw("upstream.test:80", func(c net.Conn) {
				b := make([]byte, 4096)
				if _, err := c.Read(b); err != nil { // an answer that nobody has asked for is none
					return
				}
				go func() { // read, so that the other side can write
					for {
						if _, err := c.Read(b); err != nil {
							return
						}
					}
				}()
				chunk := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
				for text := head; ; text = chunk {
					if _, err := c.Write([]byte(text)); err != nil {
						return
					}
				}
			})
			if a := w.call(""); a.said() != want {
				t.Errorf("%s: %s", head, a.said())
			}
		})
	}
}

// TestAPatchLeavesOpenWhatWasOpen: what follows from another field follows it again.
func TestAPatchLeavesOpenWhatWasOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		for _, c := range []struct {
			method, body string
			failures     int
			window       string
		}{
			{"PUT", `{"breaker":{"failure_rate":0.5}}`, 0, "10s"},
			{"PATCH", `{"breaker":{"window_calls":50}}`, 0, "0s"},
			{"PATCH", `{"breaker":{"failure_rate":null,"window_calls":null}}`, 5, "0s"},
			{"PATCH", `{"breaker":{"open_for":"2m"}}`, 5, "0s"},
			{"PATCH", `{"retry":{"base":"5s"}}`, 5, "0s"},
		} {
			var a PolicyAnswer
			if status := w.ask(c.method, "/api/policy", c.body, &a); status != http.StatusOK || a.Policy.Breaker.Failures != c.failures || a.Policy.Breaker.WindowTime.String() != c.window {
				t.Errorf("%s %s: %d %+v", c.method, c.body, status, a.Policy.Breaker)
			}
		}
	})
}

// TestBudgetAndLimiterKeepWhatTheyHave, unless their own numbers change.
func TestBudgetAndLimiterKeepWhatTheyHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", failing)
		w.put("/api/policy", `{"order":["rate_limit","retry"],"any_order":true,"retry":{"max_attempts":2},"rate_limit":{"rate":0.01,"burst":1}}`)
		if a := w.call(""); a.said() != "502 failure [error error]" {
			t.Fatal(a.said())
		}
		tokens := func() float64 { return w.state().Engines["handrolled"].Budget.Tokens }
		limited := func() string {
			res, _ := w.do(w.request("GET", "/call", ""))
			return res.Status + res.Header.Get("Retry-After")
		}
		if tokens() != 49 || !strings.HasPrefix(limited(), "429 Too Many Requests") {
			t.Errorf("%v tokens, %s", tokens(), limited())
		}
		if got := limited(); got != "429 Too Many Requests100" {
			t.Errorf("told to wait: %s", got)
		}
		w.patch("/api/policy", `{"timeout":{"limit":"1s"}}`)
		if tokens() != 49 || !strings.HasPrefix(limited(), "429") {
			t.Errorf("after another change: %v tokens, %s", tokens(), limited())
		}
		w.patch("/api/policy", `{"retry":{"budget":{"burst":20}},"rate_limit":{"burst":2}}`)
		if tokens() != 20 {
			t.Errorf("%v tokens after a change of the budget", tokens())
		}
		if a := w.call("?retry=off"); a.said() != "502 failure []" && a.said() != "502 failure [error]" {
			t.Errorf("after a change of the limit: %s", a.said())
		}
		for _, name := range []string{"upstream.test/handrolled"} {
			if n := strings.Count(w.metricsText(), `reliability_budget_name="`+name+`"`); n != 1 {
				t.Errorf("%d budgets are measured", n)
			}
		}
		w.patch("/api/policy", `{"retry":{"budget":{"on":false}}}`)
		if n := strings.Count(w.metricsText(), "reliability_retry_budget_tokens{"); n != 0 {
			t.Errorf("%d budgets are measured that are off", n)
		}
	})
}

func (w *world) patch(path, document string) {
	w.Helper()
	var answer map[string]any
	if status := w.ask("PATCH", path, document, &answer); status != http.StatusOK {
		w.Fatalf("PATCH %s %s: %d %v", path, document, status, answer)
	}
}

func (w *world) metricsText() string {
	w.Helper()
	req := w.request("GET", "/metrics", "")
	req.URL.Host = "caller.test:90"
	_, body := w.do(req)
	return body
}

// TestClientsMakeNoSeries: the port that a client puts into Host is no attribute.
func TestClientsMakeNoSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
		for _, host := range []string{"caller.test:1", "caller.test:2", "caller.test:3"} {
			req := w.request("GET", "/call", "")
			req.Host = host
			_, _ = w.do(req)
		}
		if n := strings.Count(w.metricsText(), "http_server_request_duration_seconds_count{"); n != 1 {
			t.Errorf("%d series", n)
		}
		var f failure
		if status := w.ask("GET", "/call?"+strings.Repeat("x=1&", 2000), "", &f); status != http.StatusRequestURITooLong {
			t.Errorf("a long query: %d", status)
		}
		if status := w.ask("GET", "/api/load?x=1", "", &f); status != http.StatusBadRequest {
			t.Errorf("a parameter that there is not: %d", status)
		}
	})
}

// TestACallerAsUpstream: orders too go through two callers, and each attempt names the pod.
func TestACallerAsUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_UPSTREAM_URL=http://upstream.test/call")
		cfg, err := LoadConfig([]string{"CALLER_ADDR=upstream.test:80", "CALLER_ADMIN_ADDR=upstream.test:90", "CALLER_NAME=inner", "CALLER_UPSTREAM_URL=http://ledger.test/work", "CALLER_DRAIN=0s"})
		if err != nil {
			t.Fatal(err)
		}
		w.start(cfg, w.tel)
		l := &ledger{keys: map[string]bool{}}
		w.serve("ledger.test:80", l.ServeHTTP)
		if a := w.order(`{"order":"A-1","amount":1}`, "key"); a.said() != "201 success [ok]" || l.charges != 1 || a.Attempts[0].ServedBy != "inner" {
			t.Errorf("%s, %d charges: %+v", a.said(), l.charges, a.Attempts)
		}
	})
}

package caller

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func failing(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

// TestAPipelineForOneCall: what a client asks for is what it gets, and what there is to say
// against it is said.
func TestAPipelineForOneCall(t *testing.T) {
	for _, c := range []struct {
		query    string
		headers  []string
		pipeline string
		said     string
		warnings string // of each, a part
	}{
		{"", nil, "retry(timeout(circuitbreaker(call)))", "502 failure [error error]", ""},
		{"?order=none", nil, "call", "502 failure [error]", ""},
		{"?retry=off&timeout=on", nil, "timeout(circuitbreaker(call))", "502 failure [error]", ""},
		{"?retry=off&timeout=off&breaker=off", nil, "call", "502 failure [error]", ""},
		{"?deadline=on&bulkhead=on&rate_limit=on", nil, "timeout(retry(ratelimit(timeout(circuitbreaker(bulkhead(call))))))", "502 failure [error error]", ""},
		{"?order=timeout,retry", nil, "timeout(retry(call))", "502 failure [error error]", ""},
		{"?order=breaker&retry=on&engine=gobreaker", nil, "retry(circuitbreaker(call))", "502 failure [error error]", ""},
		{"?order=breaker,retry", nil, "circuitbreaker(retry(call))", "502 failure [error error]", "retry inside circuit breaker: the breaker sees one result of many attempts"},
		{"?order=rate_limit,retry", nil, "ratelimit(retry(call))", "502 failure [error error]", "retry inside rate limit"},
		{"", []string{headerDoNotRetry, "true"}, "timeout(circuitbreaker(call))", "502 failure [error]", "retry is off: the request says X-Do-Not-Retry"},
		{"?retry=on", []string{headerDoNotRetry, "true"}, "timeout(circuitbreaker(call))", "502 failure [error]", "retry is off: the request says X-Do-Not-Retry"},
		{"", []string{headerDeadline, "400"}, "retry(timeout(circuitbreaker(call)))", "502 failure [error error]", "the client's deadline is 400ms, and a call may take 600ms"},
		{"?order=retry", []string{headerDeadline, "400"}, "retry(call)", "502 failure [error error]", "nothing but the client's deadline of 400ms bounds this call"},
	} {
		t.Run(c.query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t)
				w.serve("upstream.test:80", failing)
				a := w.call(c.query, c.headers...)
				if a.said() != c.said || a.Pipeline != c.pipeline || a.Policy != 1 {
					t.Errorf("%s through %s; want %s through %s", a.said(), a.Pipeline, c.said, c.pipeline)
				}
				if warnings := strings.Join(a.Warnings, "\n"); !strings.HasPrefix(warnings, c.warnings) || c.warnings == "" && warnings != "" {
					t.Errorf("warnings %q; want %q", warnings, c.warnings)
				}
			})
		})
	}
}

// TestTurnedAwayWithoutAnAttempt: policies outside Retry may keep it from making any.
func TestTurnedAwayWithoutAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		for _, c := range []struct{ before, query, said, cause string }{
			{"/api/breakers/handrolled/open", "?order=breaker,retry", "503 rejected []", ""},
			{"", "?order=retry,breaker", "503 rejected [rejected]", "open"},
			{"", "?order=retry,bulkhead&engine=gobreaker", "502 failure [error error]", "refused"},
		} {
			if c.before != "" {
				var b BreakerState
				if status := w.ask("POST", c.before, "", &b); status != 200 || b.State != "open" || b.Mode != "open" || b.Why != "held open by hand" {
					t.Errorf("POST %s: %d %+v", c.before, status, b)
				}
			}
			a := w.call(c.query)
			if a.said() != c.said {
				t.Errorf("%s: %s; want %s", c.query, a.said(), c.said)
			}
			for _, attempt := range a.Attempts {
				if attempt.Cause != c.cause {
					t.Errorf("%s: attempt %+v; want cause %s", c.query, attempt, c.cause)
				}
			}
		}
	})
}

// TestLimitsTurnAttemptsAway: a bulkhead that is full, a rate that is used up.
func TestLimitsTurnAttemptsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		release := make(chan bool)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) { <-release })
		w.put("/api/policy", `{"order":["rate_limit","bulkhead"],"bulkhead":{"max_concurrent":1},"rate_limit":{"rate":1,"burst":2}}`)
		first := make(chan called)
		go func() { first <- w.call("") }()
		synctest.Wait()
		if a := w.call(""); a.said() != "503 rejected [rejected]" || a.Attempts[0].Cause != "bulkhead" {
			t.Errorf("one too many: %s %+v", a.said(), a.Attempts)
		}
		if a := w.call(""); a.said() != "429 rejected [rejected]" || a.Attempts[0].Cause != "rate_limit" {
			t.Errorf("one too fast: %s %+v", a.said(), a.Attempts)
		}
		if b := w.state().Engines["handrolled"].Bulkhead; b.Running != 1 || b.MaxConcurrent != 1 {
			t.Errorf("bulkhead %+v", b)
		}
		close(release)
		if a := <-first; a.said() != "200 success [ok]" {
			t.Errorf("the first: %s", a.said())
		}
	})
}

// TestTheClientsDeadline shortens the budget, ends the call, and is passed on as the time
// that remains.
func TestTheClientsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		told := make(chan string, 3)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) {
			told <- r.Header.Get(headerDeadline)
			<-r.Context().Done()
		})
		begin := time.Now()
		a := w.call("", headerDeadline, "400")
		// 250 ms, a back-off of 100 ms, and 50 ms are left for the second attempt.
		if took := time.Since(begin); a.said() != "504 timeout [timeout timeout]" || took != 400*time.Millisecond {
			t.Errorf("%s after %v", a.said(), took)
		}
		if first, second := <-told, <-told; first != "260" || second != "60" {
			t.Errorf("upstream was told %s ms, then %s", first, second)
		}
		// No time for a second attempt: it is not waited for.
		begin = time.Now()
		if a = w.call("", headerDeadline, "300"); a.said() != "504 timeout [timeout]" || time.Since(begin) != 250*time.Millisecond {
			t.Errorf("%s after %v", a.said(), time.Since(begin))
		}
	})
}

// TestRetriesInOneLayerOnly: of three callers in a row the outermost one retries.
func TestRetriesInOneLayerOnly(t *testing.T) {
	for exclusive, want := range map[string]int64{"true": 2, "false": 8} {
		synctest.Test(t, func(t *testing.T) {
			policy := `CALLER_POLICY={"order":["retry"],"retry":{"max_attempts":2,"exclusive":` + exclusive + `}}`
			w := run(t, policy, "CALLER_UPSTREAM_URL=http://upstream.test/call")
			for _, layer := range []string{"upstream.test:80 second.test", "second.test:80 third.test"} {
				addr, next, _ := strings.Cut(layer, " ")
				cfg, err := LoadConfig([]string{"CALLER_ADDR=" + addr, "CALLER_ADMIN_ADDR=" + strings.TrimSuffix(addr, "80") + "90", "CALLER_UPSTREAM_URL=http://" + next + "/call", "CALLER_DRAIN=0s", policy})
				if err != nil {
					t.Fatal(err)
				}
				w.start(cfg, w.tel)
			}
			var arrived atomic.Int64
			w.serve("third.test:80", func(rw http.ResponseWriter, r *http.Request) {
				arrived.Add(1)
				failing(rw, r)
			})
			if a := w.call(""); a.Outcome != "failure" {
				t.Errorf("%s", a.said())
			}
			if got := arrived.Load(); got != want {
				t.Errorf("exclusive %s: the last one was asked %d times; want %d", exclusive, got, want)
			}
		})
	}
}

// TestAnyUpstream: caller's own headers hurt nobody, and paths and queries are kept.
func TestAnyUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_UPSTREAM_URL=http://upstream.test/a/b?c=d")
		w.serve("upstream.test:80", func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(rw, "plain text")
			if r.RequestURI != "/a/b?c=d" {
				t.Errorf("asked for %s", r.RequestURI)
			}
		})
		if a := w.call(""); a.said() != "200 success [ok]" || a.Attempts[0].ServedBy != "" {
			t.Error(a.said())
		}
	})
}

// TestAnUpstreamWithAPassword is sent it, and one without is sent none.
func TestAnUpstreamWithAPassword(t *testing.T) {
	for url, want := range map[string]string{"http://ann:secret@upstream.test/work": "ann secret true", "http://upstream.test/work": "  false"} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, "CALLER_UPSTREAM_URL="+url)
			w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) {
				user, password, has := r.BasicAuth()
				if got := fmt.Sprint(user, " ", password, " ", has); got != want {
					t.Errorf("%s was sent %q; want %q", url, got, want)
				}
			})
			if a := w.call(""); a.said() != "200 success [ok]" {
				t.Error(a.said())
			}
		})
	}
}

// TestRetryAfterIsAFloor, up to what the policy allows.
func TestRetryAfterIsAFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Retry-After", "2")
			failing(rw, r)
		})
		begin := time.Now()
		a := w.call("")
		if a.said() != "502 failure [error error]" || time.Since(begin) != 2*time.Second {
			t.Errorf("%s after %v", a.said(), time.Since(begin))
		}
		w.put("/api/policy", `{"retry":{"max_retry_after":"1s"}}`)
		begin = time.Now()
		res, body := w.do(w.request("GET", "/call", ""))
		var f failure
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			t.Fatal(err)
		}
		if len(f.Attempts) != 1 || time.Since(begin) != 0 || !strings.Contains(f.Detail, "asked to wait") || res.Header.Get("Retry-After") != "2" {
			t.Errorf("%s, Retry-After %q after %v", body, res.Header.Get("Retry-After"), time.Since(begin))
		}
	})
}

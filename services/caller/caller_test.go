package caller

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEachFailureByItsName: what upstream does, and what the client of caller is told.
func TestEachFailureByItsName(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Served-By", "up-1")
			rw.WriteHeader(code)
		}
	}
	for _, c := range []struct {
		name     string
		upstream http.HandlerFunc // nil: nobody listens
		status   int
		outcome  string
		result   string // of every attempt
		phase    string
		attempts int
		failures int // that the breaker counts
		detail   string
	}{
		{"an answer", status(204), 200, "success", "ok", "", 1, 0, ""},
		{"a redirect is an answer", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/elsewhere", http.StatusFound) }, 200, "success", "ok", "", 1, 0, ""},
		{"an error", status(500), 502, "failure", "error", "response", 2, 2, "up-1 answered 500 Internal Server Error"},
		{"too many requests", status(429), 502, "failure", "error", "response", 2, 2, "up-1 answered 429 Too Many Requests"},
		{"the request's own fault is neither retried nor the dependency's", status(404), 502, "failure", "error", "response", 1, 0, "up-1 answered 404 Not Found"},
		{"nobody there", nil, 502, "failure", "error", "dial", 2, 2, "connection refused"},
		{"a broken answer", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(rw, "half")
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}, 502, "failure", "error", "response", 2, 2, "unexpected EOF"},
		{"a connection cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 502, "failure", "error", "response", 2, 2, "EOF"},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504, "timeout", "timeout", "response", 2, 2, "timed out after 250ms"},
		{"an answer that never ends", func(rw http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		}, 504, "timeout", "timeout", "response", 2, 2, "timed out after 250ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t)
				if c.upstream != nil {
					w.serve("upstream.test:80", c.upstream)
				}
				res, body := w.do(w.request("GET", "/call", ""))
				var a failure
				if err := json.Unmarshal([]byte(body), &a); err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				if res.StatusCode != c.status || a.Outcome != c.outcome || len(a.Attempts) != c.attempts || a.Breaker.Failures != c.failures {
					t.Errorf("%s after %d attempts, %d failures: %s", res.Status, len(a.Attempts), a.Breaker.Failures, body)
				}
				for i, attempt := range a.Attempts {
					if attempt.Attempt != i+1 || attempt.Result != c.result || attempt.Phase != c.phase {
						t.Errorf("attempt %+v; want %s in phase %q", attempt, c.result, c.phase)
					}
				}
				if a.Detail != c.detail && (c.detail == "" || !strings.Contains(a.Detail, c.detail)) {
					t.Errorf("detail %q; want %q in it", a.Detail, c.detail)
				}
				if c.status >= 400 && (a.Status != c.status || res.Header.Get("Content-Type") != "application/problem+json") {
					t.Errorf("not a problem document: %s", body)
				}
			})
		})
	}
}

func TestUpstreamLearnsWhichAttemptItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			mu   sync.Mutex
			seen []string
			ids  = map[string]bool{}
		)
		w := run(t)
		w.serve("upstream.test:80", func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Attempt"))
			ids[r.Header.Get("X-Call-Id")] = true
			rw.WriteHeader(503)
		})
		call := w.request("GET", "/call", "")
		call.Header.Set("traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
		_, _ = w.do(call)
		if diff := cmp.Diff([]string{"GET /work 1", "GET /work 2"}, seen); diff != "" || len(ids) != 1 {
			t.Errorf("call %v; -want +got:\n%s", ids, diff)
		}
		_, _ = w.do(call)
		if len(ids) != 2 {
			t.Errorf("two calls of one trace go by %v", ids)
		}
	})
}

func TestAClientThatGoesAwayIsNobodysFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if res, err := w.client.Do(w.request("GET", "/call", "").WithContext(ctx)); err == nil {
			_ = res.Body.Close()
			t.Errorf("answered %s", res.Status)
		}
		synctest.Wait()
		_, body := w.do(w.request("GET", "/api/state", ""))
		var s State
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		if got := s.Engines["handrolled"].Breaker.Failures; got != 0 {
			t.Errorf("%d failures counted", got)
		}
	})
}

// TestAClientIsToldOfAShutdown: it is still there, so it must not be told that it went.
func TestAClientIsToldOfAShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_GRACE=1s", `CALLER_POLICY={"timeout":{"limit":"1m"}}`)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		answered := make(chan string)
		call := w.request("GET", "/call", "")
		go func() {
			res, body := w.do(call.WithContext(context.WithoutCancel(call.Context())))
			answered <- res.Status + " " + res.Header.Get("Retry-After") + " " + body
		}()
		synctest.Wait()
		w.end()
		if got := <-answered; !strings.HasPrefix(got, "503 Service Unavailable 1 ") || !strings.Contains(got, "shutting down") {
			t.Errorf("answered %s", got)
		}
	})
}

func TestRequestsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		crossOrigin := w.request("PUT", "/api/faults", "{}")
		crossOrigin.Header.Set("Sec-Fetch-Site", "cross-site")
		for _, c := range []struct {
			req    *http.Request
			status int
			detail string
		}{
			{w.request("GET", "/call?engine=steam", ""), 400, "engine is steam: must be handrolled or gobreaker"},
			{w.request("GET", "/api/traces/xyz", ""), 400, "id is xyz: must be 32 hex digits in lower case"},
			{w.request("GET", "/api/traces/0123456789abcdef0123456789abcdef", ""), 404, "only the latest traces are kept, and those of a breaker's latest transitions"},
			{w.request("GET", "/assets/", ""), 404, "there is nothing at /assets/"},
			{w.request("GET", "/api/state?all=2", ""), 400, "all is 2: must be 1, or absent"},
			{w.request("GET", "/api/state?some=1", ""), 400, "must be all=1, or absent"},
			{w.request("GET", "/api/state?all=1", ""), 400, "CALLER_PEERS_URL is not set"},
			{w.request("POST", "/api/breakers/steam/halfway", ""), 400, "engine is steam: must be handrolled or gobreaker\nmode is halfway: must be open, close, auto or observe"},
			{w.request("GET", "/nowhere", ""), 404, "there is nothing at /nowhere"},
			{w.request("POST", "/call", ""), 405, "POST is not allowed at /call"},
			{w.request("GET", "/api/faults", ""), 404, "CALLER_FLAKY_ADMIN_URL is not set"},
			{w.request("PUT", "/api/faults", "{}"), 404, "CALLER_FLAKY_ADMIN_URL is not set"},
			{crossOrigin, 403, "a change must come from a page of this origin"},
		} {
			res, body := w.do(c.req)
			var d failure
			if err := json.Unmarshal([]byte(body), &d); err != nil {
				t.Errorf("%s %s: %s: %v", c.req.Method, c.req.URL.Path, body, err)
			}
			if res.StatusCode != c.status || d.Status != c.status || !strings.Contains(d.Detail, c.detail) {
				t.Errorf("%s %s: %s %s; want %d with %q", c.req.Method, c.req.URL.Path, res.Status, body, c.status, c.detail)
			}
		}
	})
}

func TestThePageIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		for path, want := range map[string]string{"/": "text/html", "/assets/page.js": "text/javascript", "/assets/page.css": "text/css"} {
			res, body := w.do(w.request("GET", path, ""))
			if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), want) || body == "" {
				t.Errorf("GET %s: %s %s", path, res.Status, res.Header.Get("Content-Type"))
			}
			if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") {
				t.Errorf("GET %s: Content-Security-Policy %q", path, csp)
			}
		}
	})
}

func TestTraceURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_TRACE_URL=http://jaeger.test:16686/")
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
		_, body := w.do(w.request("GET", "/call", ""))
		var a Answer
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			t.Fatal(err)
		}
		if want := "http://jaeger.test:16686/trace/" + a.TraceID; a.TraceURL != want {
			t.Errorf("trace_url %q; want %q", a.TraceURL, want)
		}
	})
}

func TestLoadConfigListsEveryProblem(t *testing.T) {
	_, err := LoadConfig([]string{
		"CALLER_UPSTREAM_URL=flaky:8081", `CALLER_POLICY={"retry":{"max_attempts":0,"jitter":"some"},"breaker":{"open_for":"-1s"}}`,
		`CALLER_LOAD={"rate":-1}`, "CALLER_RATE_BURST=0", "CALLER_PORT=tcp://10.0.0.1:8080",
	})
	want := strings.Join([]string{
		`CALLER_POLICY: breaker.open_for is -1s: must be a duration such as "50ms", from 1ms to 24h0m0s`,
		`CALLER_POLICY: retry.jitter is some: must be "full", "none", "equal" or "decorrelated"`,
		`CALLER_POLICY: retry.max_attempts is 0: must be a whole number from 1 to 100`,
		`CALLER_LOAD: rate is -1: must be 0, or a number from 0.001 to 10000`,
		`CALLER_UPSTREAM_URL is "flaky:8081": must be an http:// or https:// URL`,
		`CALLER_RATE_BURST is "0": must be a whole number from 1 to 1000000`,
		`CALLER_PORT is "tcp://10.0.0.1:8080": must be absent: there is no such variable`,
	}, "\n")
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	cfg, err := LoadConfig(nil)
	if err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	if diff := cmp.Diff(text(t, DefaultPolicy()), text(t, cfg.Policy)); diff != "" || cfg.UpstreamURL != "http://127.0.0.1:8081/work" || cfg.Load.Rate != 0 {
		t.Errorf("defaults: %+v\n%s", cfg, diff)
	}
}

package caller

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// TestOneCallOneStory: answer, header, call span, server span, access log and metric of a
// call say the same.
func TestOneCallOneStory(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, c := range []struct {
		name     string
		upstream http.HandlerFunc
		query    string
		deadline string
		said     string
	}{
		{"success", func(http.ResponseWriter, *http.Request) {}, "", "", "200 success [ok]"},
		{"failure", failing, "?engine=gobreaker", "", "502 failure [error error]"},
		{"refused", nil, "", "", "502 failure [error error]"},
		{"timeout", hang, "", "", "504 timeout [timeout timeout]"},
		{"deadline", hang, "", "100", "504 timeout [timeout]"},
		{"no time for a retry", failing, "", "50", "504 timeout [error]"},
		{"rejected", failing, "?order=retry,breaker", "", "503 rejected [rejected]"},
		{"rate limited", failing, "?order=rate_limit", "", "429 rejected [rejected]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t, "CALLER_LOG_LEVEL=debug")
				if c.upstream != nil {
					w.serve("upstream.test:80", c.upstream)
				}
				switch c.name {
				case "rejected":
					var b BreakerState
					w.ask("POST", "/api/breakers/handrolled/open", "", &b)
				case "rate limited":
					w.put("/api/policy", `{"rate_limit":{"rate":0.001,"burst":1}}`)
					w.call("?order=rate_limit&engine=handrolled")
				}
				before := w.metrics()
				var a called
				begin := time.Now()
				req := w.request("GET", "/call"+c.query, "")
				if c.deadline != "" {
					req.Header.Set(headerDeadline, c.deadline)
				}
				res, body := w.do(req)
				a.status = res.StatusCode
				decode(t, body, &a.failure)
				elapsed := time.Since(begin)
				synctest.Wait()

				if a.said() != c.said || a.ElapsedMS != milliseconds(elapsed) {
					t.Errorf("%s in %v ms; want %s in %v", a.said(), a.ElapsedMS, c.said, elapsed)
				}
				if want := regexp.MustCompile(`^00-` + a.TraceID + `-[0-9a-f]{16}-01$`); !want.MatchString(res.Header.Get("traceresponse")) {
					t.Errorf("traceresponse %q of trace %s", res.Header.Get("traceresponse"), a.TraceID)
				}
				lines := w.logs.about("request", a.TraceID)
				if len(lines) != 1 || lines[0]["outcome"] != a.Outcome || lines[0]["status"] != float64(a.status) || lines[0]["duration"] != float64(elapsed) {
					t.Errorf("access log: %v", lines)
				}
				id, err := trace.TraceIDFromHex(a.TraceID)
				if err != nil {
					t.Fatal(err)
				}
				spans, _ := w.tel.Store.Trace(id)
				sent := 0
				for _, s := range spans {
					switch s.Kind {
					case "server":
						if s.Attributes["http.response.status_code"] != int64(a.status) || time.Duration(s.DurationMS*1e6) != elapsed {
							t.Errorf("server span: %+v", s)
						}
					case "internal":
						if s.Name != "call" || s.Attributes["reliability.outcome"] != a.Outcome || s.Attributes["reliability.attempts"] != int64(len(a.Attempts)) ||
							time.Duration(s.DurationMS*1e6) != elapsed || (s.Error == "") != (a.Outcome == "success") {
							t.Errorf("call span: %+v", s)
						}
					case "client":
						sent++
					}
				}
				for _, attempt := range a.Attempts {
					if attempt.Result != "rejected" {
						sent--
					}
				}
				if sent != 0 {
					t.Errorf("%d more client spans than attempts that were sent", sent)
				}
				counted := fmt.Sprintf(`reliability_call_duration_seconds_count{otel_scope_name="reliability/pkg/resilience/resilienceotel",otel_scope_schema_url="",otel_scope_version="",reliability_call="call",reliability_engine=%q,reliability_outcome=%q}`, a.Engine, a.Outcome)
				after := w.metrics()
				if got := after[counted] - before[counted]; got != 1 {
					t.Errorf("%s grew by %v", counted, got)
				}
				sum := strings.Replace(counted, "_count{", "_sum{", 1)
				if got := after[sum] - before[sum]; got != elapsed.Seconds() {
					t.Errorf("%s grew by %v; want %v", sum, got, elapsed.Seconds())
				}
			})
		})
	}
}

// metrics reads /metrics: each sample by its name and labels.
func (w *world) metrics() map[string]float64 {
	w.Helper()
	req := w.request("GET", "/metrics", "")
	req.URL.Host = "caller.test:90"
	_, body := w.do(req)
	samples := map[string]float64{}
	for line := range strings.Lines(body) {
		at := strings.LastIndexByte(line, ' ')
		var value float64
		if _, err := fmt.Sscan(line[at+1:], &value); err == nil && at > 0 {
			samples[line[:at]] = value
		}
	}
	return samples
}

// TestMetricsLeadToTraces: what the architecture names is there, and a measurement has a
// trace for an example.
func TestMetricsLeadToTraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", failing)
		a := w.call("")
		req := w.request("GET", "/metrics", "")
		req.URL.Host = "caller.test:90"
		req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
		_, body := w.do(req)
		for _, want := range []string{
			`reliability_call_duration_seconds_bucket\{.*reliability_engine="handrolled",reliability_outcome="failure",le="0.1"\} 1 # \{[^}]*trace_id="` + a.TraceID + `"[^}]*\} 0.1`,
			`reliability_attempt_duration_seconds_count\{.*reliability_attempt_type="first",reliability_engine="handrolled",reliability_outcome="failure"\} 1`,
			`reliability_attempt_duration_seconds_count\{.*reliability_attempt_type="retry".*\} 1`,
			`reliability_retry_delay_seconds_sum\{.*\} 0.1`,
			`reliability_breaker_state\{.*reliability_breaker_name="upstream.test/handrolled",reliability_breaker_state="closed",reliability_engine="handrolled"\} 1`,
			`reliability_breaker_state\{.*reliability_breaker_name="upstream.test/gobreaker",reliability_breaker_state="open",reliability_engine="gobreaker"\} 0`,
			`reliability_retry_budget_tokens\{.*reliability_budget_name="upstream.test/handrolled".*\} 49`,
			`reliability_call_in_flight\{.*reliability_engine="gobreaker"\} 0`,
			`reliability_bulkhead_in_flight\{.*reliability_bulkhead_name="front"\} 0`,
		} {
			if !regexp.MustCompile(`(?m)^` + want).MatchString(body) {
				t.Errorf("there is no %s", want)
			}
		}
	})
}

// TestAnUnsampledTrace is not promised to anybody.
func TestAnUnsampledTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_TRACE_URL=http://jaeger.test")
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
		req := w.request("GET", "/call", "")
		req.Header.Set("traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00")
		res, body := w.do(req)
		var a Answer
		decode(t, body, &a)
		if a.TraceURL != "" || !strings.HasSuffix(res.Header.Get("traceresponse"), "-00") {
			t.Errorf("trace_url %q, traceresponse %q", a.TraceURL, res.Header.Get("traceresponse"))
		}
	})
}

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/telemetry"
	"reliability/services/caller"
)

// policies are those of the simulated tests: back-offs of 100, 200 and 400 ms without
// jitter, so that every time is known.
var policies = []string{
	`CALLER_POLICY={"retry":{"max_attempts":4,"base":"100ms","jitter":"none"},"timeout":{"limit":"250ms"},"breaker":{"failures":5,"open_for":"5s","probes":2}}`,
}

// TestTheWholeStory: flaky fails, the breaker opens, flaky heals, the breaker half-opens
// and closes. Real services, real HTTP, exact times.
func TestTheWholeStory(t *testing.T) {
	for _, engine := range []string{"handrolled", "gobreaker"} {
		t.Run(engine, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := simulated(t, policies...)
				begin := time.Now()
				step := func(at time.Duration, said, retryAfter string) {
					t.Helper()
					a := w.call(engine)
					if got := a.said(); got != said || a.retryAfter != retryAfter {
						t.Errorf("call: %s, Retry-After %q; want %s, %q", got, a.retryAfter, said, retryAfter)
					}
					if got := time.Since(begin); got != at {
						t.Fatalf("answered at %v; want %v", got, at)
					}
				}
				const ms = time.Millisecond
				step(0, "200 success [ok] closed", "")
				w.faults(`{"error_rate":1}`)
				step(700*ms, "502 failure [error error error error] closed", "")
				// The fifth failure in a row opens the breaker; the second attempt is turned away.
				step(800*ms, "502 failure [error rejected] open", "5")
				step(800*ms, "503 rejected [rejected] open", "5")
				time.Sleep(3 * time.Second)
				step(3800*ms, "503 rejected [rejected] open", "2") // 1.9 s, rounded up
				w.faults(`{}`)
				time.Sleep(1900*ms - 1) // opened at 700 ms, for 5 s
				step(5700*ms-1, "503 rejected [rejected] open", "1")
				time.Sleep(1)
				step(5700*ms, "200 success [ok] half-open", "")
				step(5700*ms, "200 success [ok] closed", "")

				// And again, but now flaky is still failing when it is probed.
				w.faults(`{"error_rate":1}`)
				step(6400*ms, "502 failure [error error error error] closed", "")
				step(6500*ms, "502 failure [error rejected] open", "5") // opened at 6.4 s
				time.Sleep(4900 * ms)
				step(11500*ms, "502 failure [error rejected] open", "5") // probed at 11.4 s
				checkTransitions(t, w, engine, begin)
			})
		})
	}
}

// checkTransitions reads the log: one clear line for each transition, with its trace.
func checkTransitions(t *testing.T, w *running, engine string, begin time.Time) {
	t.Helper()
	var got []string
	for _, line := range w.logs.about("circuit breaker") {
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(line["time"]))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %s %s: %s → %s: %s", at.Sub(begin), line["level"], line["breaker"], line["from"], line["to"], line["reason"]))
		if len(fmt.Sprint(line["trace_id"])) != 32 || len(fmt.Sprint(line["span_id"])) != 16 {
			t.Errorf("a line without its trace: %v", line)
		}
		if line["from"] == "closed" && (line["last_error"] != "flaky answered 503 Service Unavailable" || line["failures"] != 5.0) {
			t.Errorf("a breaker that opened does not say why: %v", line)
		}
	}
	name := "10.0.0.2:80/" + engine
	want := []string{
		"700ms WARN " + name + ": closed → open: 5 of 5 failures in a row",
		"5.7s INFO " + name + ": open → half-open: open for 5s, probing",
		"5.7s INFO " + name + ": half-open → closed: 2 of 2 probes succeeded",
		"6.4s WARN " + name + ": closed → open: 5 of 5 failures in a row",
		"11.4s INFO " + name + ": open → half-open: open for 5s, probing",
		"11.4s WARN " + name + ": half-open → open: a probe failed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions in the log, -want +got:\n%s", diff)
	}
}

// TestAnOpenBreakerSparesTheDependency: rejected calls do not reach flaky and take no time.
func TestAnOpenBreakerSparesTheDependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simulated(t, policies...)
		w.faults(`{"error_rate":1,"latency":{"value":"10ms"}}`)
		w.call("handrolled")
		w.call("handrolled")
		begin := time.Now()
		for range 100 {
			a := w.call("handrolled")
			if a.said() != "503 rejected [rejected] open" {
				t.Fatal(a.said())
			}
			if spans := w.trace(a.TraceID); len(spans) != 2 { // caller's server span and the call
				t.Fatalf("a rejected call has %d spans:\n%s", len(spans), draw(spans))
			}
		}
		if got := time.Since(begin); got != 0 {
			t.Errorf("100 rejections took %v", got)
		}
	})
}

// TestARetriedCallIsOneTrace: the spans as a tree, and what they say.
func TestARetriedCallIsOneTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simulated(t, policies...)
		w.faults(`{"error_rate":1}`)
		go func() { // between the second attempt, at 100 ms, and the third, at 300 ms
			time.Sleep(200 * time.Millisecond)
			w.faults(`{}`)
		}()
		a := w.call("handrolled")
		if got := a.said(); got != "200 success [error error ok] closed" {
			t.Errorf("call: %s", got)
		}
		want := `caller server "GET /call" 300ms status=200
  caller internal "call" 300ms retry(1, 0.1s) retry(2, 0.2s)
    caller client "GET /work" 0s status=503 error
      flaky server "GET /work" 0s status=503 fault=[error] error
    caller client "GET /work" 0s status=503 resend=1 error
      flaky server "GET /work" 0s status=503 fault=[error] error
    caller client "GET /work" 0s status=200 resend=2
      flaky server "GET /work" 0s status=200
`
		if diff := cmp.Diff(want, draw(w.trace(a.TraceID))); diff != "" {
			t.Errorf("trace, -want +got:\n%s", diff)
		}

		// A call that is turned away leads to the one that opened the breaker.
		w.faults(`{"error_rate":1}`)
		w.call("handrolled")
		opener := w.call("handrolled")
		rejected := w.trace(w.call("handrolled").TraceID)
		if links := rejected[1].Links; len(links) != 1 || links[0].TraceID != opener.TraceID {
			t.Errorf("the rejected call is linked to %+v; want trace %s", links, opener.TraceID)
		}
	})
}

// draw writes spans as a tree.
func draw(spans []telemetry.Span) string {
	var b strings.Builder
	var level func(parent, indent string)
	level = func(parent, indent string) {
		for _, s := range spans {
			if s.ParentID != parent {
				continue
			}
			fmt.Fprintf(&b, "%s%s %s %q %v", indent, s.Service, s.Kind, s.Name, time.Duration(s.DurationMS*float64(time.Millisecond)))
			for _, e := range s.Events {
				fmt.Fprintf(&b, " %s(%v, %vs)", e.Name, e.Attributes["reliability.attempt"], e.Attributes["reliability.retry.delay"])
			}
			for _, shown := range []struct{ name, key string }{
				{"status", "http.response.status_code"}, {"resend", "http.request.resend_count"}, {"fault", "reliability.faults"},
			} {
				if v, ok := s.Attributes[shown.key]; ok {
					fmt.Fprintf(&b, " %s=%v", shown.name, v)
				}
			}
			if s.Error != "" {
				b.WriteString(" error")
			}
			b.WriteString("\n")
			level(s.SpanID, indent+"  ")
		}
	}
	level("", "")
	return b.String()
}

// TestATimeoutIsTheDependencysFault: an attempt that is cut off counts, and says so.
func TestATimeoutIsTheDependencysFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simulated(t, policies...)
		w.faults(`{"latency":{"value":"1s"}}`)
		a := w.call("gobreaker")
		if got := a.said(); got != "504 timeout [timeout timeout timeout timeout] closed" || a.Breaker.Failures != 4 {
			t.Errorf("call: %s, %d failures", got, a.Breaker.Failures)
		}
		var starts []float64
		for _, attempt := range a.Attempts {
			starts = append(starts, attempt.StartMS)
			if attempt.DurationMS != 250 || attempt.Phase != "response" || attempt.Status != 0 {
				t.Errorf("attempt %+v", attempt)
			}
		}
		if diff := cmp.Diff([]float64{0, 350, 800, 1450}, starts); diff != "" || a.ElapsedMS != 1700 {
			t.Errorf("in %v ms, attempts at -want +got:\n%s", a.ElapsedMS, diff)
		}
	})
}

// TestReplicasBornSickAreLeftAlone, and that is said.
func TestReplicasBornSickAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simulated(t, `FLAKY_FAULTS={"error_rate":0.1}`)
		for _, body := range []string{`{"error_rate":1}`, `nonsense`} {
			var d struct {
				Detail string `json:"detail"`
			}
			res := w.do("PUT", "/api/faults", body, &d)
			if res.StatusCode != http.StatusConflict || d.Detail != "no replica was born healthy, so nothing was changed" {
				t.Errorf("PUT %s: %s %s", body, res.Status, d.Detail)
			}
		}
	})
}

// TestEnginesDoNotShareABreaker: one opens, the other still asks.
func TestEnginesDoNotShareABreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simulated(t, policies...)
		w.faults(`{"error_rate":1}`)
		w.call("handrolled")
		w.call("handrolled")
		var state caller.State
		if res := w.do("GET", "/api/state", "", &state); res.StatusCode != http.StatusOK {
			t.Fatal(res.Status)
		}
		if h, g := state.Engines["handrolled"].Breaker.State, state.Engines["gobreaker"].Breaker.State; h != "open" || g != "closed" {
			t.Errorf("handrolled %s, gobreaker %s", h, g)
		}
	})
}

// TestATraceHasTheLogLinesOfBothServices, each within its own span.
func TestATraceHasTheLogLinesOfBothServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simulated(t, "CALLER_LOG_LEVEL=debug", "FLAKY_LOG_LEVEL=debug")
		id := w.call("handrolled").TraceID
		synctest.Wait()
		var a caller.TraceAnswer
		w.do("GET", "/api/traces/"+id, "", &a)
		services := map[string]string{} // by span
		for _, span := range a.Spans {
			services[span.SpanID] = span.Service
		}
		lines := map[string]string{}
		for _, l := range a.Logs {
			lines[l.Service] += fmt.Sprintln(l.Level, l.Message, l.Attributes["path"], l.Attributes["status"])
			if services[l.SpanID] != l.Service {
				t.Errorf("a line of %s within a span of %q", l.Service, services[l.SpanID])
			}
		}
		want := map[string]string{"caller": "DEBUG request /call 200\n", "flaky": "DEBUG request /work 200\n"}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

package caller

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// trace is what GET /api/traces/{id} answers.
func (w *world) trace(id string) (answer TraceAnswer, status int) {
	w.Helper()
	synctest.Wait() // until its spans have ended
	status = w.ask("GET", "/api/traces/"+id, "", &answer)
	return answer, status
}

// TestTheTraceOfATransitionIsKept when a thousand others have come after it.
func TestTheTraceOfATransitionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["breaker"],"breaker":{"failures":2,"open_for":"1s","probes":1}}`)
		var well atomic.Bool
		w.serve("upstream.test:80", func(rw http.ResponseWriter, _ *http.Request) {
			if !well.Load() {
				rw.WriteHeader(500)
			}
		})
		ordinary, opening := w.call("").TraceID, w.call("").TraceID
		well.Store(true)
		time.Sleep(time.Second)
		probe := w.call("").TraceID
		before, _ := w.trace(opening)
		for range 1001 {
			w.call("")
		}
		after, status := w.trace(opening)
		if diff := cmp.Diff(text(t, before), text(t, after)); diff != "" || status != http.StatusOK || len(after.Spans) < 3 {
			t.Errorf("%d, %d spans; -before +after:\n%s", status, len(after.Spans), diff)
		}
		if _, status := w.trace(probe); status != http.StatusOK {
			t.Errorf("of the probe that closed the breaker: %d", status)
		}
		if _, status := w.trace(ordinary); status != http.StatusNotFound {
			t.Errorf("of a call that changed nothing: %d", status)
		}
	})
}

// TestATraceHasItsLogLines: those of a breaker and, at level debug, of each request.
func TestATraceHasItsLogLines(t *testing.T) {
	for level, want := range map[string][]string{
		"info":  {"WARN circuit breaker open handrolled closed 1"},
		"debug": {"WARN circuit breaker open handrolled closed 1", "DEBUG request <nil> <nil> <nil>"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, "CALLER_LOG_LEVEL="+level, `CALLER_POLICY={"order":["breaker"],"breaker":{"failures":1}}`)
			w.serve("upstream.test:80", failing)
			a, _ := w.trace(w.call("").TraceID)
			var got []string
			spans := map[string]bool{}
			for _, span := range a.Spans {
				spans[span.SpanID] = true
			}
			for _, l := range a.Logs {
				name := l.Attributes["breaker"]
				if name == "upstream.test/handrolled" {
					name = "handrolled"
				}
				got = append(got, fmt.Sprint(l.Level, " ", l.Message, " ", name, " ", l.Attributes["from"], " ", l.Attributes["failures"]))
				if l.Service != "caller" || !spans[l.SpanID] || l.Time.IsZero() {
					t.Errorf("%+v", l)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("at %s -want +got:\n%s", level, diff)
			}
			quiet, _ := w.trace(w.call("?engine=gobreaker&breaker=off").TraceID)
			if n := len(quiet.Logs); quiet.Logs == nil || n != len(want)-1 {
				t.Errorf("at %s: an ordinary call has %d lines", level, n)
			}
		})
	}
}

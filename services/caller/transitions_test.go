package caller

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// opener is the trace that a call's spans lead to as the one that opened the breaker.
func (w *world) opener(id string) string {
	w.Helper()
	synctest.Wait()
	parsed, err := trace.TraceIDFromHex(id)
	if err != nil {
		w.Fatal(err)
	}
	spans, _ := w.tel.Store.Trace(parsed)
	for _, span := range spans {
		for _, link := range span.Links {
			return link.TraceID
		}
	}
	return ""
}

// TestARejectedCallLeadsToWhatOpenedTheBreaker: to the same trace as the link on its span.
func TestARejectedCallLeadsToWhatOpenedTheBreaker(t *testing.T) {
	for _, engine := range []string{"handrolled", "gobreaker"} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t, "CALLER_TRACE_URL=http://jaeger.test", `CALLER_POLICY={"order":["breaker"],"breaker":{"failures":2,"open_for":"1s","probes":1}}`)
			var hang atomic.Bool
			w.serve("upstream.test:80", func(rw http.ResponseWriter, _ *http.Request) {
				if hang.Load() {
					time.Sleep(time.Second)
				}
				rw.WriteHeader(500)
			})
			call := func(headers ...string) Answer { return w.call("?engine="+engine, headers...).Answer }
			check := func(what string, a Answer, last, lastTrace, openedTrace, link string) {
				t.Helper()
				b := a.Breaker
				if b.Last == nil || b.Opened == nil {
					t.Fatalf("%s, %s: last %+v, opened %+v", engine, what, b.Last, b.Opened)
				}
				got := []string{b.Last.To, b.Last.TraceID, b.Opened.To, b.Opened.TraceID, w.opener(a.TraceID)}
				if diff := cmp.Diff([]string{last, lastTrace, "open", openedTrace, link}, got); diff != "" {
					t.Errorf("%s, %s: -want +got:\n%s", engine, what, diff)
				}
			}
			if a := call(); a.Breaker.Last != nil || a.Breaker.Opened != nil {
				t.Errorf("%s: before anything %+v", engine, a.Breaker)
			}
			opening := call()
			id := opening.TraceID
			check("opening", opening, "open", id, id, "")
			if want := "http://jaeger.test/trace/" + id; opening.Breaker.Opened.TraceURL != want {
				t.Errorf("%s: trace_url %q; want %q", engine, opening.Breaker.Opened.TraceURL, want)
			}
			check("rejected while open", call(), "open", id, id, id)

			time.Sleep(time.Second)
			hang.Store(true)
			probed := make(chan Answer)
			const unsampled = "0123456789abcdef0123456789abcdef"
			go func() { probed <- call("traceparent", "00-"+unsampled+"-0123456789abcdef-00") }()
			time.Sleep(100 * time.Millisecond)
			check("rejected while half-open", call(), "half-open", unsampled, id, id)
			if probe := <-probed; probe.Breaker.Opened.TraceID != unsampled || probe.Breaker.Opened.TraceURL != "" {
				t.Errorf("%s: nobody keeps the probe's trace: %+v", engine, probe.Breaker.Opened)
			}
			check("rejected after the probe", call(), "open", unsampled, unsampled, unsampled)

			var b BreakerState
			w.ask("POST", "/api/breakers/"+engine+"/close", "", &b)
			w.ask("POST", "/api/breakers/"+engine+"/open", "", &b)
			if b.Opened == nil || b.Opened.Reason != "held open by hand" {
				t.Errorf("%s: %+v", engine, b.Opened)
			}
			check("rejected by hand", call(), "open", "", "", "")
		})
	}
}

// TestADecisionHasItsTrace: also where the breaker only observes.
func TestADecisionHasItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_TRACE_URL=http://jaeger.test", `CALLER_POLICY={"order":["breaker"],"breaker":{"failures":1}}`)
		w.serve("upstream.test:80", failing)
		stop := w.watch()
		var b BreakerState
		w.ask("POST", "/api/breakers/handrolled/observe", "", &b)
		var want, got []string
		for _, engine := range []string{"handrolled", "gobreaker"} {
			id := w.call("?engine=" + engine).TraceID
			want = append(want, fmt.Sprint(engine, " ", id, " http://jaeger.test/trace/", id))
		}
		time.Sleep(time.Second)
		for _, e := range stop() {
			if e.kind != eventDecision {
				continue
			}
			var d Decision
			decode(t, e.data, &d)
			if d.Transition != nil {
				got = append(got, fmt.Sprint(d.Engine, " ", d.Transition.TraceID, " ", d.Transition.TraceURL))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		s := w.state()
		if b := s.Engines["handrolled"].Breaker; b.Last != nil {
			t.Errorf("what would have been is no transition: %+v", b.Last)
		}
		if last := s.Engines["gobreaker"].Breaker.Last; last == nil || last.TraceID == "" {
			t.Errorf("gobreaker's last transition: %+v", last)
		}
	})
}

// TestTransitionsThatAreRemembered: the latest, and by what the breaker says it knows.
func TestTransitionsThatAreRemembered(t *testing.T) {
	var all transitions
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	states := []resilience.State{resilience.Closed, resilience.Open, resilience.HalfOpen}
	nth := func(n int) resilience.Transition {
		return resilience.Transition{From: states[n%3], To: states[(n+1)%3], At: at(n)}
	}
	for n := range 250 {
		told := transitionOf(nth(n))
		told.TraceID = fmt.Sprint(n)
		all.add(told)
	}
	if kept := all.read(); len(kept) != 100 || kept[0].TraceID != "150" || kept[99].TraceID != "249" {
		t.Errorf("%d kept, from %s to %s", len(kept), kept[0].TraceID, kept[len(kept)-1].TraceID)
	}
	for n, want := range map[int][2]string{
		249: {"249", "249"}, // closed → open
		247: {"247", "246"}, // open → half-open: what came after is not known to its breaker yet
		248: {"248", "246"}, // half-open → closed
		250: {"", "249"},    // which has not been told of
		252: {"", ""},       // likewise, and it opened
	} {
		last, opened := all.upTo(nth(n))
		if got := [2]string{last.TraceID, opened.TraceID}; got != want {
			t.Errorf("%d: %q; want %q", n, got, want)
		}
	}
	if last, opened := all.upTo(resilience.Transition{}); last != nil || opened != nil {
		t.Errorf("of a breaker that is as it was born: %+v %+v", last, opened)
	}
}

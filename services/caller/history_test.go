package caller

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (w *world) history() History {
	w.Helper()
	var h History
	if status := w.ask("GET", "/api/history", "", &h); status != http.StatusOK {
		w.Fatalf("GET /api/history: %d", status)
	}
	return h
}

// TestHistoryIsOfTheLastTwoMinutes, also if nobody watched.
func TestHistoryIsOfTheLastTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		w := run(t)
		at := func(h History, i int) time.Duration { return h.Moments[i].Now.Sub(begin) }
		if h := w.history(); len(h.Moments) != 1 || at(h, 0) != 0 || h.PeriodMS != 1000 {
			t.Fatalf("at the beginning %+v", h)
		}
		for _, c := range []struct {
			after         time.Duration
			moments       int
			first, latest time.Duration
		}{
			{2500 * time.Millisecond, 3, 0, 2 * time.Second},
			{119 * time.Second, 120, 0, 119 * time.Second},
			{120500 * time.Millisecond, 120, time.Second, 120 * time.Second},
			{time.Hour, 120, time.Hour - 119*time.Second, time.Hour},
		} {
			time.Sleep(time.Until(begin.Add(c.after)))
			synctest.Wait()
			h := w.history()
			if n := len(h.Moments); n != c.moments || at(h, 0) != c.first || at(h, n-1) != c.latest {
				t.Errorf("after %v: %d moments from %v to %v", c.after, n, at(h, 0), at(h, n-1))
			}
		}
	})
}

// TestAMomentIsWhatTheStateWas: the same names, the same figures.
func TestAMomentIsWhatTheStateWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["breaker"],"breaker":{"failures":2,"open_for":"1h"}}`)
		w.serve("upstream.test:80", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(10 * time.Millisecond)
			rw.Header().Set("X-Served-By", "up-1")
			rw.WriteHeader(500)
		})
		var b BreakerState
		w.ask("POST", "/api/breakers/gobreaker/observe", "", &b)
		for range 3 {
			w.call("?engine=handrolled")
			w.call("?engine=gobreaker")
		}
		time.Sleep(time.Second)
		h, s := w.history(), w.state()
		m := h.Moments[len(h.Moments)-1]
		if m.Latency.Calls != 6 || len(m.Pods) != 1 || m.Engines["handrolled"].State != "open" || m.Engines["gobreaker"].Mode != "observe" {
			t.Errorf("moment %+v", m)
		}
		want := Moment{Now: m.Now, Engines: map[string]EngineMoment{}, Latency: s.Latency, Pods: s.Pods, Load: LoadMoment{s.Load.Dropped}}
		for name, e := range s.Engines {
			want.Engines[name] = EngineMoment{State: e.Breaker.State, Mode: e.Breaker.Mode, Counts: e.Counts}
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("-state +moment:\n%s", diff)
		}
		// gobreaker would have opened, but only observes.
		if diff := cmp.Diff(map[string][]*Transition{"handrolled": {s.Engines["handrolled"].Breaker.Opened}, "gobreaker": {}}, h.Transitions); diff != "" {
			t.Errorf("transitions -want +got:\n%s", diff)
		}
		if first := h.Moments[0].Engines["handrolled"]; first.Calls != 0 || len(first.Rejections) != 0 || first.State != "closed" {
			t.Errorf("the first moment has changed: %+v", first)
		}
	})
}

package caller

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatWasTurnedAway is counted by cause, and once, also where there was no attempt.
func TestWhatWasTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"retry":{"max_attempts":2,"base":"100ms","jitter":"none"},"breaker":{"failures":1,"open_for":"1h"},"rate_limit":{"rate":0.001,"burst":1}}`)
		w.serve("upstream.test:80", failing)
		for _, c := range []struct{ query, said string }{
			{"", "502 failure [error rejected]"},
			{"", "503 rejected [rejected]"},
			{"?order=breaker,retry", "503 rejected []"},
			{"?order=none", "502 failure [error]"},
			{"?order=rate_limit", "502 failure [error]"},
			{"?order=rate_limit", "429 rejected [rejected]"},
			{"?order=rate_limit,retry", "429 rejected []"},
		} {
			if got := w.call(c.query); got.said() != c.said {
				t.Errorf("%q: %s %s; want %s", c.query, got.said(), got.Detail, c.said)
			}
		}
		s := w.state()
		if diff := cmp.Diff(map[string]uint64{"open": 3, "rate_limit": 2}, s.Engines["handrolled"].Rejections); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if e := s.Engines["handrolled"]; e.Calls != 7 || e.Attempts != 6 || e.Retries != 1 {
			t.Errorf("%d calls, %d attempts, %d retries; want 7, 6 and 1", e.Calls, e.Attempts, e.Retries)
		}
		if diff := cmp.Diff(map[string]uint64{}, s.Engines["gobreaker"].Rejections); diff != "" {
			t.Errorf("gobreaker -want +got:\n%s", diff)
		}
	})
}

// TestLatencyOfBothEngines is that of all their calls: no mean of their quantiles.
func TestLatencyOfBothEngines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["retry"]}`)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(map[string]time.Duration{"fast": 10 * time.Millisecond, "slow": time.Second}[r.Header.Get("X-Call-Id")])
		})
		for range 9 {
			w.call("?engine=handrolled", "X-Call-Id", "fast")
		}
		w.call("?engine=gobreaker", "X-Call-Id", "slow")
		s := w.state()
		of := func(l Latency) []any { return []any{l.Calls, l.P50MS < 11, l.P90MS < 11, l.P99MS > 990, l.MaxMS > 990} }
		for _, c := range []struct {
			name string
			got  Latency
			want []any
		}{
			{"handrolled", s.Engines["handrolled"].Latency, []any{int64(9), true, true, false, false}},
			{"gobreaker", s.Engines["gobreaker"].Latency, []any{int64(1), false, false, true, true}},
			{"both", s.Latency, []any{int64(10), true, true, true, true}},
		} {
			if diff := cmp.Diff(c.want, of(c.got)); diff != "" {
				t.Errorf("%s: %+v, -want +got:\n%s", c.name, c.got, diff)
			}
		}
		time.Sleep(11 * time.Second)
		if s := w.state(); s.Latency != (Latency{}) {
			t.Errorf("after ten seconds %+v", s.Latency)
		}
	})
}

// TestSentAreAttemptsUnderWayToo: calls that never end, and what is turned away.
func TestSentAreAttemptsUnderWayToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["bulkhead"],"bulkhead":{"max_concurrent":3}}`)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		w.put("/api/load", `{"rate":10,"max_in_flight":5,"handrolled":1}`)
		time.Sleep(950 * time.Millisecond)
		s := w.state()
		// Three hang, the rest is turned away: no attempt has ended that was sent.
		if e := s.Engines["handrolled"]; e.Sent != 3 || e.InFlight != 3 || e.Results["rejected"] != e.Attempts || e.Attempts != s.Load.Offered-3 {
			t.Errorf("%+v of %d offered", e.Counts, s.Load.Offered)
		}
		w.put("/api/policy", `{"order":[]}`)
		time.Sleep(time.Second)
		if s := w.state(); s.Engines["handrolled"].Sent != 5 || s.Load.Dropped == 0 {
			t.Errorf("%+v, %d dropped", s.Engines["handrolled"].Counts, s.Load.Dropped)
		}
	})
}

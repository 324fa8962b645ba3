package caller

import (
	"context"
	"math"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestALoadThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		var f failure
		if status := w.ask("PUT", "/api/load", `{"rate":20000,"arrivals":"bursty","handrolled":2,"max_in_flight":0,"for":"-1s","seed":-1,"burst":1}`, &f); status != 400 || len(f.Errors) != 7 {
			t.Errorf("%d with %d problems: %v", status, len(f.Errors), f.Errors)
		}
		if status := w.ask("PUT", "/api/load", `{"rate":1e-12}`, &f); status != 400 {
			t.Errorf("a rate of nearly nothing: %d", status)
		}
		if l := w.state().Load.Load; l.Rate != 0 || l.Arrivals != "constant" {
			t.Errorf("half of it was applied: %+v", l)
		}
	})
}

// TestAConstantRate is exact to the nanosecond, however long it goes on.
func TestAConstantRate(t *testing.T) {
	p := &plan{Load: Load{Rate: 3, Arrivals: arrivalsConstant}, since: time.Unix(0, 0)}
	next := p.arrivals()
	for n := 1; n <= 1_000_000; n++ {
		due, ok := next()
		if want := time.Duration(float64(n) / 3 * 1e9); !ok || due.Sub(p.since) != want {
			t.Fatalf("arrival %d at %v; want %v", n, due.Sub(p.since), want)
		}
	}
}

// TestPoissonArrivals: the times between them are exponential, by the test of Kolmogorov
// and Smirnov with the bound of Dvoretzky, Kiefer and Wolfowitz at 1e-6, and each follows
// from the seed.
func TestPoissonArrivals(t *testing.T) {
	const n, rate = 20000, 50.0
	p := &plan{Load: Load{Rate: rate, Arrivals: arrivalsPoisson, Seed: 7}, since: time.Unix(0, 0)}
	next, again := p.arrivals(), p.arrivals()
	gaps := make([]float64, n)
	last := p.since
	for i := range gaps {
		due, _ := next()
		if same, _ := again(); same != due {
			t.Fatalf("seed %d: arrival %d at %v and at %v", p.Seed, i, due, same)
		}
		gaps[i], last = due.Sub(last).Seconds(), due
	}
	slices.Sort(gaps)
	far := 0.0
	for i, gap := range gaps {
		cdf := 1 - math.Exp(-rate*gap)
		far = max(far, math.Abs(cdf-float64(i)/n), math.Abs(cdf-float64(i+1)/n))
	}
	if bound := math.Sqrt(math.Log(2/1e-6) / (2 * n)); far > bound {
		t.Errorf("seed %d: %d gaps are %.4f from exponential, more than %.4f", p.Seed, n, far, bound)
	}
}

// TestAnOpenLoop: a dependency that is slow does not slow the load down, and how long calls
// take is counted from when they were due.
func TestAnOpenLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) })
		w.put("/api/load", `{"rate":100,"handrolled":0.25,"for":"2s"}`)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if l := w.state().Load; l.Offered != 150 || l.Running != 20 || l.Done != 130 || l.Dropped != 0 || math.Abs(l.Latency.P50MS-200) > 2 {
			t.Errorf("after 1.5 s: %+v", l)
		}
		time.Sleep(5 * time.Second)
		s := w.state()
		if s.Load.Offered != 200 || s.Load.Done != 200 || s.Load.Running != 0 {
			t.Errorf("at the end: %+v", s.Load)
		}
		if h, g := s.Engines["handrolled"].Calls, s.Engines["gobreaker"].Calls; h != 50 || g != 150 {
			t.Errorf("%d calls by the one engine and %d by the other; want 50 and 150", h, g)
		}
	})
}

// TestTooManyCallsAtOnce are dropped, and not made later.
func TestTooManyCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) })
		w.put("/api/load", `{"rate":100,"max_in_flight":5,"for":"1s"}`)
		time.Sleep(3 * time.Second)
		// Five of the twenty calls of each 200 ms.
		if l := w.state().Load; l.Offered != 100 || l.Done != 25 || l.Dropped != 75 {
			t.Errorf("%+v", l)
		}
	})
}

// TestALateGenerator makes up for what it missed, and its calls are not younger for it.
func TestALateGenerator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		g := newGenerator(Load{Rate: 10, Arrivals: arrivalsConstant, MaxInFlight: 100, For: 0, HandRolled: 1}, func(context.Context, string) { made.Add(1) })
		g.plan.since = g.plan.since.Add(-time.Second) // as if nothing had run for a second
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		g.run(ctx)
		if s := g.state(time.Now()); made.Load() != 10 || s.Offered != 10 || s.Latency.MaxMS < 900 {
			t.Errorf("%d calls: %+v", made.Load(), s)
		}
	})
}

// TestALoadIsReplacedAndReturned.
func TestALoadIsReplacedAndReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_LOAD={"rate":10}`)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
		time.Sleep(time.Second)
		synctest.Wait()
		w.put("/api/load", `{"rate":0}`)
		if l := w.state().Load.Load; l.Seed == 0 {
			t.Error("no seed was drawn, so nobody could repeat the arrivals")
		}
		time.Sleep(time.Second)
		if l := w.state().Load; l.Offered != 10 || l.Load.Rate != 0 {
			t.Errorf("stopped: %+v", l)
		}
		var l LoadState
		if status := w.ask("DELETE", "/api/load", "", &l); status != 200 || l.Load.Rate != 10 {
			t.Errorf("returned: %d %+v", status, l)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if l := w.state().Load; l.Offered != 20 {
			t.Errorf("after its return: %+v", l)
		}
	})
}

// TestTheLoadEndsWithTheService, also the calls that hang.
func TestTheLoadEndsWithTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_LOAD={"rate":10}`, `CALLER_POLICY={"order":[]}`)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		time.Sleep(2 * time.Second)
		begin := time.Now()
		w.end()
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// TestAPanicLeavesNoCallInFlight: it passes through, and what counts is put right.
func TestAPanicLeavesNoCallInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
		w.service.upstream.transport = roundTripper(func(*http.Request) (*http.Response, error) { panic("a bug") })
		if a := w.call(""); a.status != http.StatusInternalServerError {
			t.Errorf("answered %d", a.status)
		}
		if n := w.state().Engines["handrolled"].InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

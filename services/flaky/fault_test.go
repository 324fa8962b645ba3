package flaky

import (
	"fmt"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestErrorRateIsHonest: the number of errors is binomial. Both tails of the exact test
// at α = 1e-6; the seed is fixed, so it passes always or never.
func TestErrorRateIsHonest(t *testing.T) {
	const n, alpha = 20000, 1e-6
	for _, rate := range []float64{0, 0.001, 0.1, 0.5, 0.9, 1} {
		for name, request := range map[string]func(i int) request{
			"by arrival": func(i int) request { return request{arrival: uint64(i)} },
			"by call":    func(i int) request { return request{call: fmt.Sprintf("call-%d", i), attempt: "1"} },
			"by attempt": func(i int) request { return request{call: "one call", attempt: fmt.Sprint(i)} },
		} {
			f := Faults{ErrorRate: rate, ErrorStatus: 503, Seed: 42}
			errors := 0
			for i := range n {
				if d := f.decide(request(i)); d.status == 503 {
					errors++
				}
			}
			if rate == 0 || rate == 1 {
				if float64(errors) != rate*n {
					t.Errorf("%s, rate %v: %d of %d", name, rate, errors, n)
				}
				continue
			}
			b := distuv.Binomial{N: n, P: rate}
			if below, above := b.CDF(float64(errors)), 1-b.CDF(float64(errors-1)); below < alpha/2 || above < alpha/2 {
				t.Errorf("%s, rate %v, seed %d: %d of %d errors; P(≤) = %.2g, P(≥) = %.2g", name, rate, f.Seed, errors, n, below, above)
			}
		}
	}
}

func TestDecisionsHangOnSeedAndRequestAlone(t *testing.T) {
	f := Faults{ErrorRate: 0.5, ErrorStatus: 503, Seed: 1}
	same := func(a, b Faults, ra, rb request) (equal int) {
		for i := range 1000 {
			ra.call, rb.call = fmt.Sprint(ra.attempt, i), fmt.Sprint(ra.attempt, i)
			if a.decide(ra) == b.decide(rb) {
				equal++
			}
		}
		return equal
	}
	if got := same(f, f, request{attempt: "1", arrival: 1}, request{attempt: "1", arrival: 99}); got != 1000 {
		t.Errorf("a call that says who it is met another fault %d times of 1000 when it arrived later", 1000-got)
	}
	other := f
	other.Seed = 2
	if got := same(f, other, request{attempt: "1"}, request{attempt: "1"}); got < 400 || got > 600 {
		t.Errorf("two seeds agree in %d of 1000 decisions; want about half", got)
	}
	slow := f
	slow.Latency = &Latency{Distribution: "fixed", Value: Duration(time.Second)}
	for i := range 1000 {
		r := request{arrival: uint64(i)}
		if d := slow.decide(r); d.status != f.decide(r).status || d.delay != time.Second {
			t.Fatalf("latency changed whom errors meet: %+v", d)
		}
	}
}

package fleet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/experiment/fleet"
	"reliability/pkg/resilience"
)

const s = time.Second

func times() fleet.Times {
	return fleet.Times{Period: s, Latency: 50 * time.Millisecond, Stall: 5*s + 50*time.Millisecond, Down: 6 * s, Back: 20 * s, End: 30 * s}
}

func policy() fleet.Policy {
	return fleet.Policy{Attempts: 3, Base: s, Max: s, Timeout: s, Burst: 2, Ratio: 0.1, Failures: 4, OpenFor: 3 * s, Probes: 2}
}

func run(t *testing.T, n int, change func(*fleet.Policy)) (result fleet.Result) {
	t.Helper()
	p := policy()
	change(&p)
	synctest.Test(t, func(t *testing.T) {
		var err error
		if result, err = fleet.Run(t.Context(), n, 7, times(), p); err != nil {
			t.Fatal(err)
		}
	})
	return result
}

// TestAFleetCountsWhatItDoes, exactly where that can be said.
func TestAFleetCountsWhatItDoes(t *testing.T) {
	const n = 20
	naive := run(t, n, func(p *fleet.Policy) { p.Jitter = resilience.JitterNone })
	sum := naive.Sum()
	if sum.Failed == 0 || sum.Attempts != 3*sum.Failed {
		t.Errorf("in the outage %d attempts for %d calls; want three each", sum.Attempts, sum.Failed)
	}
	arrivals := 0
	for _, a := range naive.Arrivals {
		arrivals += a
	}
	if calls := n * 30; arrivals != calls+sum.Retries {
		t.Errorf("%d arrivals of %d calls and %d retries", arrivals, calls, sum.Retries)
	}
	if herd := naive.Fullest(7*s, 7*s+2*fleet.BucketWidth); herd < sum.Stalled || sum.Stalled < n/2 {
		t.Errorf("%d calls were there when it went down, %d came again together", sum.Stalled, herd)
	}
	if naive.Closed != 0 || naive.Open != 0 {
		t.Errorf("without breakers: %v, %d", naive.Closed, naive.Open)
	}

	broken := run(t, n, func(p *fleet.Policy) { p.Breaker = true })
	if sum := broken.Sum(); sum.Paid != n*4 || broken.Open != 0 || broken.Closed <= 0 || broken.Closed > 6*s {
		t.Errorf("%d paid, %d open, closed after %v", sum.Paid, broken.Open, broken.Closed)
	}
	for i, c := range broken.Callers {
		if c.Paid != 4 {
			t.Errorf("caller %d paid %d", i, c.Paid)
		}
	}

	if sum := run(t, n, func(p *fleet.Policy) { p.Budget = true }).Sum(); float64(sum.Retries) > n*2+0.1*float64(sum.Success) || sum.Retries < n*2 {
		t.Errorf("%d retries, with budgets of %d and %d successes", sum.Retries, n*2, sum.Success)
	}
}

func TestAFleetRepeatsItself(t *testing.T) {
	one := run(t, 10, func(p *fleet.Policy) { p.Breaker = true })
	if diff := cmp.Diff(one, run(t, 10, func(p *fleet.Policy) { p.Breaker = true })); diff != "" {
		t.Errorf("two runs, -first +second:\n%s", diff)
	}
}

func TestAPolicyThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := policy()
		p.Attempts = -1
		if _, err := fleet.Run(t.Context(), 1, 7, times(), p); err == nil {
			t.Error("it ran")
		}
	})
}

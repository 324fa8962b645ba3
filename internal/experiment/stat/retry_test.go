package stat

import (
	"fmt"
	"math"
	"testing"
)

// TestRetrySeries: a call that is followed attempt by attempt.
func TestRetrySeries(t *testing.T) {
	for _, p := range []float64{0, 1e-9, 0.3, 0.5, 1 - 1e-9, 1} {
		for _, n := range []int{1, 2, 3, 10} {
			succeeds, attempts, here := 0.0, 0.0, 1.0
			for range n {
				attempts += here
				succeeds += here * (1 - p)
				here *= p
			}
			what := fmt.Sprintf("(%v, %d)", p, n)
			near(t, "RetrySuccess"+what, RetrySuccess(p, n), succeeds, 1e-7)
			near(t, "AttemptsPerCall"+what, AttemptsPerCall(p, n), attempts, 1e-14)
			if p < 1 {
				near(t, "closed form"+what, AttemptsPerCall(p, n), (1-math.Pow(p, float64(n)))/(1-p), 1e-6)
			}
		}
	}
	near(t, "a dead dependency", AttemptsPerCall(1, 4), 4, 0)
	panics(t, "p is 2", func() { RetrySuccess(2, 1) })
	panics(t, "n is 0", func() { AttemptsPerCall(0.5, 0) })
}

func TestAttempts(t *testing.T) {
	near(t, "two steps", Attempts([]int{100, 50, 40}, 0.5), 2*Binomial(40, 50, 0.5), 1e-12)
	near(t, "as expected", Attempts([]int{400, 200, 100}, 0.5), 1, 0)
	near(t, "all failed", Attempts([]int{30, 30, 30, 30}, 1), 1, 0)
	near(t, "one did not", Attempts([]int{30, 30, 29, 29}, 1), 0, 0)
	near(t, "one failed of what cannot", Attempts([]int{30, 1, 0}, 0), 0, 0)
	near(t, "no call", Attempts([]int{0, 0, 0}, 0.3), 1, 0)
	near(t, "one attempt only", Attempts([]int{30}, 0.3), 1, 0)
	near(t, "nothing", Attempts(nil, 0.3), 1, 0)
	// The same total, 1,750 attempts, by a first step too often and a second one too seldom.
	if p := Attempts([]int{1000, 600, 150}, 0.5); p > 1e-9 {
		t.Errorf("a wrong step hides in the total: p-value %g", p)
	}
	panics(t, "reached[1] is 31; allowed is a whole number from 0 to the entry before", func() { Attempts([]int{30, 31}, 0.5) })
	panics(t, "reached[1] is -1", func() { Attempts([]int{30, -1}, 0.5) })
}

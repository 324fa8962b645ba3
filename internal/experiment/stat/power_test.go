package stat

import (
	"fmt"
	"math"
	"testing"
)

// TestCriticalAndPower: what is rejected is what has a p-value below alpha, count by
// count, and the power is the probability of these counts, summed up.
func TestCriticalAndPower(t *testing.T) {
	for _, n := range []int{0, 1, 5, 60, 400} {
		for _, p0 := range []float64{0, 0.05, 0.5, 0.7, 1} {
			for _, alpha := range []float64{0.05, Alpha} {
				for _, side := range []Side{TwoSided, Above, Below} {
					what := fmt.Sprintf("n %d, p0 %v, alpha %v, side %d", n, p0, alpha, side)
					low, high := BinomialCritical(n, p0, alpha, side)
					masses, power := binomialMasses(n, 0.3), 0.0
					for k := range n + 1 {
						p := map[Side]float64{TwoSided: Binomial(k, n, p0), Above: BinomialAtLeast(k, n, p0), Below: BinomialAtMost(k, n, p0)}[side]
						if rejected := k <= low || k >= high; rejected != (p < alpha) {
							t.Errorf("%s: %d with p-value %g: rejected %v", what, k, p, rejected)
						}
						if p < alpha {
							power += masses[k]
						}
					}
					near(t, "power, "+what, BinomialPower(n, p0, 0.3, alpha, side), power, 1e-9)
				}
			}
		}
	}
}

func TestPowerOfWhatMakesNoSense(t *testing.T) {
	panics(t, "alpha is 0", func() { BinomialCritical(10, 0.3, 0, TwoSided) })
	panics(t, "side is 3", func() { BinomialCritical(10, 0.3, Alpha, Below+1) })
	panics(t, "p1 is NaN", func() { BinomialPower(10, 0.3, math.NaN(), Alpha, TwoSided) })
}

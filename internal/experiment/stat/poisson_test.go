package stat

import (
	"fmt"
	"math"
	"testing"
)

// TestPoissonAbove: by summing up.
func TestPoissonAbove(t *testing.T) {
	least := 1.0
	for _, mean := range []float64{1e-4, 0.3, 1, 5, 24, 150, 201, 5000} {
		_, above := tails(poissonMasses(int(mean+20*math.Sqrt(mean))+60, mean))
		for _, z := range []float64{-6, -1, 0, 1, 4, 7, 9, 14} {
			k := max(0, int(mean+z*math.Sqrt(mean)+max(0, z)))
			near(t, fmt.Sprintf("PoissonAbove(%d, %v)", k, mean), PoissonAbove(k, mean), above[k], 1e-9)
			least = min(least, above[k])
		}
	}
	if least > 1e-20 {
		t.Errorf("the smallest tail looked at is %g", least)
	}
	near(t, "table, mean 5", PoissonAbove(10, 5), 0.0318, 0.002) // 1 - 0.9682, as in any table
	near(t, "none expected", PoissonAbove(1, 0), 0, 0)
	near(t, "none needed", PoissonAbove(0, 0), 1, 0)
	panics(t, "mean is -1; allowed is a finite number from 0", func() { PoissonAbove(1, -1) })
	panics(t, "mean is +Inf", func() { PoissonAbove(1, math.Inf(1)) })
}

func TestPoissonBound(t *testing.T) {
	for _, mean := range []float64{0, 0.01, 2, 10, 400} {
		_, above := tails(poissonMasses(2000, mean))
		for _, buckets := range []int{1, 100, 5000} {
			for _, alpha := range []float64{0.05, Alpha} {
				want := 0
				for float64(buckets)*above[want] >= alpha {
					want++
				}
				if got := PoissonBound(mean, buckets, alpha); got != want {
					t.Errorf("mean %v, %d buckets, alpha %v: %d; want %d", mean, buckets, alpha, got, want)
				}
			}
		}
	}
	panics(t, "buckets is 0", func() { PoissonBound(1, 0, Alpha) })
}

package stat

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// TestBinomialIsExact: every tail of some small binomials, by fractions.
func TestBinomialIsExact(t *testing.T) {
	for _, n := range []int{1, 2, 7, 40} {
		for _, p := range []*big.Rat{big.NewRat(1, 1024), big.NewRat(1, 4), big.NewRat(1, 2), big.NewRat(15, 16)} {
			q := new(big.Rat).Sub(big.NewRat(1, 1), p)
			rate, _ := p.Float64()
			above := new(big.Rat)
			for k := n; k >= 0; k-- {
				term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(k)))
				for i := range n {
					if i < k {
						term.Mul(term, p)
					} else {
						term.Mul(term, q)
					}
				}
				below := new(big.Rat).Sub(big.NewRat(1, 1), above)
				above.Add(above, term)
				wantAbove, _ := above.Float64()
				wantBelow, _ := below.Float64()
				what := fmt.Sprintf("(%d, %d, %v)", k, n, rate)
				near(t, "BinomialAtLeast"+what, BinomialAtLeast(k, n, rate), wantAbove, 1e-12)
				near(t, "BinomialAtMost"+what, BinomialAtMost(k, n, rate), wantBelow, 1e-12)
				near(t, "Binomial"+what, Binomial(k, n, rate), min(1, 2*wantAbove, 2*wantBelow), 1e-12)
			}
		}
	}
}

// TestBinomialFarOut: by summing up, for up to a million trials and beyond one in 10¹².
func TestBinomialFarOut(t *testing.T) {
	least := 1.0
	for _, n := range []int{100, 3000, 100_000, 1_000_000} {
		for _, p := range []float64{0.0005, 0.05, 0.5, 0.9, 0.995} {
			below, above := tails(binomialMasses(n, p))
			deviation := math.Sqrt(float64(n) * p * (1 - p))
			for _, z := range []float64{-8, -5, -1, 0, 1, 5, 8, 12} {
				k := int(float64(n)*p + z*deviation)
				if k < 0 || k > n {
					continue
				}
				what := fmt.Sprintf("(%d, %d, %v)", k, n, p)
				near(t, "BinomialAtLeast"+what, BinomialAtLeast(k, n, p), above[k], 1e-7)
				near(t, "BinomialAtMost"+what, BinomialAtMost(k, n, p), below[k], 1e-7)
				least = min(least, below[k], above[k])
			}
		}
	}
	if least > 1e-20 {
		t.Errorf("the smallest tail looked at is %g", least)
	}
}

func TestBinomialOfWhatIsCertain(t *testing.T) {
	for _, c := range []struct {
		k, n int
		p    float64
		want float64
	}{
		{0, 10, 0, 1}, {1, 10, 0, 0}, {10, 10, 1, 1}, {9, 10, 1, 0}, {0, 0, 0.3, 1}, {0, 0, 0, 1}, {0, 0, 1, 1},
	} {
		near(t, fmt.Sprintf("Binomial(%d, %d, %v)", c.k, c.n, c.p), Binomial(c.k, c.n, c.p), c.want, 0)
	}
	near(t, "at least -1", BinomialAtLeast(-1, 5, 0.5), 1, 0)
	near(t, "at least 6 of 5", BinomialAtLeast(6, 5, 0.5), 0, 0)
	near(t, "at most -1", BinomialAtMost(-1, 5, 0.5), 0, 0)
	near(t, "at most 6 of 5", BinomialAtMost(6, 5, 0.5), 1, 0)
	panics(t, "successes is 6; allowed is a whole number from 0 to n = 5", func() { Binomial(6, 5, 0.5) })
	panics(t, "successes is -1", func() { Binomial(-1, 5, 0.5) })
	panics(t, "n is -1; allowed is a whole number from 0", func() { BinomialAtLeast(0, -1, 0.5) })
	panics(t, "p is NaN; allowed is a number from 0 to 1", func() { BinomialAtMost(0, 1, math.NaN()) })
}

func TestBonferroni(t *testing.T) {
	near(t, "three", Bonferroni(0.5, 0.01, 0.2), 0.03, 1e-15)
	near(t, "at most 1", Bonferroni(0.9, 0.8), 1, 0)
	near(t, "none", Bonferroni(), 1, 0)
	panics(t, "p is NaN", func() { Bonferroni(0.5, math.NaN()) })
}

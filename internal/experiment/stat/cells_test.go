package stat

import (
	"fmt"
	"math"
	"testing"
)

// TestChiSquareUniform: the distribution has a closed form for two and four degrees of
// freedom, exp(-x/2) and exp(-x/2)·(1 + x/2), and for one: erfc(√(x/2)).
func TestChiSquareUniform(t *testing.T) {
	for _, c := range []struct {
		counts []int
		want   func(x float64) float64
	}{
		{[]int{20, 20, 20}, func(x float64) float64 { return math.Exp(-x / 2) }},
		{[]int{10, 20, 15}, func(x float64) float64 { return math.Exp(-x / 2) }},
		{[]int{0, 300, 1}, func(x float64) float64 { return math.Exp(-x / 2) }},
		{[]int{40, 44, 36, 41, 12}, func(x float64) float64 { return math.Exp(-x/2) * (1 + x/2) }},
		{[]int{140, 144, 0, 41, 12}, func(x float64) float64 { return math.Exp(-x/2) * (1 + x/2) }},
		{[]int{60, 140}, func(x float64) float64 { return math.Erfc(math.Sqrt(x / 2)) }},
	} {
		expected, x := float64(sum(c.counts))/float64(len(c.counts)), 0.0
		for _, n := range c.counts {
			x += (float64(n) - expected) * (float64(n) - expected) / expected
		}
		p, err := ChiSquareUniform(c.counts)
		if err != nil {
			t.Error(err)
		}
		near(t, fmt.Sprint(c.counts), p, c.want(x), 1e-9)
	}
	for _, counts := range [][]int{{4, 5}, {1000}, {}, nil} {
		if p, err := ChiSquareUniform(counts); err == nil {
			t.Errorf("%v: %v without an error", counts, p)
		}
	}
	_, err := ChiSquareUniform([]int{4, 5})
	if want := "counts are 9 in 2 cells; allowed are two cells or more, and 5 or more for each on average"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
	panics(t, "a count is -1", func() { _, _ = ChiSquareUniform([]int{20, -1}) })
}

package stat

import (
	"math"
	"sort"
)

// Quantile is the least of the sorted samples below which, itself included, is at least
// the share q of them: the nearest rank, a value that was measured. It is NaN without
// samples, and then neither below nor above any limit.
func Quantile(sorted []float64, q float64) float64 {
	probability("q", q)
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	// By comparison: 0.07 · 100 is more than 7 in a float64, and would be rounded up to 8.
	return sorted[sort.Search(n-1, func(i int) bool { return float64(i+1)/float64(n) >= q })]
}

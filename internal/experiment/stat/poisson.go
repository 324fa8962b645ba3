package stat

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// PoissonAbove is the chance of k events or more where the mean is expected, and each
// comes by itself: an incomplete gamma function (NIST DLMF 8.4.10).
func PoissonAbove(k int, mean float64) float64 {
	must(mean >= 0 && !math.IsInf(mean, 1), "mean", mean, "a finite number from 0")
	switch {
	case k <= 0:
		return 1
	case mean == 0:
		return 0
	}
	return mathext.GammaIncReg(float64(k), mean)
}

// PoissonBound is the least k that the fullest of so many buckets reaches with a chance
// below alpha, where each expects the mean. The chances of the buckets are added up, so
// that they need not be independent.
func PoissonBound(mean float64, buckets int, alpha float64) int {
	must(buckets > 0, "buckets", buckets, "a whole number from 1")
	inside("alpha", alpha)
	rare := func(k int) bool { return float64(buckets)*PoissonAbove(k, mean) < alpha }
	most := int(mean) + 1
	for !rare(most) {
		most *= 2
	}
	return sort.Search(most, rare)
}

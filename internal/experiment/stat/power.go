package stat

import "sort"

// A Side is where a test looks for what contradicts the claim.
type Side int

// Sides.
const (
	TwoSided Side = iota // too many or too few
	Above                // too many
	Below                // too few
)

// tail is what each tail may have of alpha.
func (s Side) tail(alpha float64) float64 {
	must(s == TwoSided || s == Above || s == Below, "side", int(s), "TwoSided, Above or Below")
	inside("alpha", alpha)
	if s == TwoSided {
		return alpha / 2
	}
	return alpha
}

// BinomialCritical says which numbers of successes reject the claim that n trials succeed
// with probability p0: low or fewer, and high or more. Those are exactly the numbers whose
// p-value is below alpha. Where nothing rejects, low is -1 and high n+1.
func BinomialCritical(n int, p0, alpha float64, side Side) (low, high int) {
	count("n", n)
	probability("p0", p0)
	a := side.tail(alpha)
	low, high = -1, n+1
	if side != Below {
		high = sort.Search(n+1, func(k int) bool { return atLeast(k, n, p0) < a })
	}
	if side != Above {
		low = sort.Search(n+1, func(k int) bool { return atMost(k, n, p0) >= a }) - 1
	}
	return low, high
}

// BinomialPower is the chance that an experiment of n trials rejects p0 when p1 is true.
func BinomialPower(n int, p0, p1, alpha float64, side Side) float64 {
	probability("p1", p1)
	low, high := BinomialCritical(n, p0, alpha, side)
	return atMost(low, n, p1) + atLeast(high, n, p1)
}

package stat

import (
	"fmt"
	"math"
)

// RetrySuccess is the share of calls that succeed with up to n attempts, each of which
// fails by itself with probability p: 1 - pⁿ.
func RetrySuccess(p float64, n int) float64 {
	attempts(p, n)
	return 1 - math.Pow(p, float64(n))
}

// AttemptsPerCall is how many attempts such a call makes on average: the geometric series
// 1 + p + … + pⁿ⁻¹ = (1 - pⁿ)/(1 - p), and n where p is 1.
func AttemptsPerCall(p float64, n int) float64 {
	attempts(p, n)
	mean := 0.0
	for range n {
		mean = 1 + p*mean
	}
	return mean
}

// Attempts bounds from above the p-value of the claim that each attempt fails by itself
// with probability p. reached[0] is how many calls made a first attempt, reached[1] how
// many of them made a second one, and so on: their sum is the number of attempts. Where
// the calls that failed at their last attempt are known, they are one entry more.
//
// The total of all attempts alone has no simple distribution, and a wrong first step can
// hide in it behind a wrong second one. But of the calls that made k attempts those that
// made one more are binomial, whatever happened before: one exact test for each step,
// together by Bonferroni. The power is at least that of the first step alone,
// BinomialPower(reached[0], p, p1, alpha/float64(len(reached)-1), TwoSided).
func Attempts(reached []int, p float64) float64 {
	probability("p", p)
	if len(reached) < 2 {
		return 1
	}
	steps := make([]float64, len(reached)-1)
	before := reached[0]
	for i, here := range reached[1:] {
		must(here >= 0 && here <= before, fmt.Sprintf("reached[%d]", i+1), here, "a whole number from 0 to the entry before")
		steps[i] = Binomial(here, before, p)
		before = here
	}
	return Bonferroni(steps...)
}

func attempts(p float64, n int) {
	probability("p", p)
	must(n >= 1, "n", n, "a whole number from 1")
}

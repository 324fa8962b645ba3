package stat

import "gonum.org/v1/gonum/mathext"

// Binomial is the exact two-sided p-value of so many successes in n independent trials
// that succeed with probability p each: twice the smaller tail, at most 1.
func Binomial(successes, n int, p float64) float64 {
	part("successes", successes, n)
	probability("p", p)
	return doubled(atMost(successes, n, p), atLeast(successes, n, p))
}

// BinomialAtLeast is the chance of so many successes or more: the one-sided p-value
// against "no more often than p".
func BinomialAtLeast(successes, n int, p float64) float64 {
	count("n", n)
	probability("p", p)
	return atLeast(successes, n, p)
}

// BinomialAtMost is the chance of so many successes or fewer: the one-sided p-value
// against "no less often than p".
func BinomialAtMost(successes, n int, p float64) float64 {
	count("n", n)
	probability("p", p)
	return atMost(successes, n, p)
}

// atLeast is an incomplete beta function (NIST DLMF 8.17.5).
func atLeast(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n || p == 0:
		return 0
	case p == 1:
		return 1
	}
	return mathext.RegIncBeta(float64(k), float64(n-k+1), p)
}

func atMost(k, n int, p float64) float64 { return atLeast(n-k, n, 1-p) }

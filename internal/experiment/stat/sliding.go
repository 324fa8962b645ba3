package stat

import "sort"

// SlidingBound is the least k that the fullest window of time, wherever it begins, reaches
// with a chance below alpha, where n arrivals fall with probability p each into the window
// in the likeliest place for it. Unlike with PoissonBound the number of arrivals is fixed,
// as with clients that all fail at once. The fullest window may be taken to begin with one
// of its arrivals, so that there are n to look at, each with n-1 others. Their chances are
// added up: exact binomial tails, and Boole's inequality. n+1 says that all n in one window
// are not rare enough.
func SlidingBound(n int, p, alpha float64) int {
	count("n", n)
	probability("p", p)
	inside("alpha", alpha)
	return sort.Search(n+1, func(k int) bool { return k > 0 && float64(n)*atLeast(k-1, n-1, p) < alpha })
}

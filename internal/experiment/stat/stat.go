// Package stat is the statistics of verdicts. A verdict asks how likely it is that what
// was claimed gives results at least as far off as the measured ones: the p-value. Below
// Alpha the claim is rejected.
//
// The tests are exact, or they bound the p-value from above, unless their comment says
// what they approximate. A two-sided p-value is twice the smaller tail, at most 1. Tails
// are computed as such, never as 1 minus the rest, so that 1e-12 is as good as 0.1.
//
// Too little data is no evidence: the p-value is then 1.
// Arguments that make no sense are a mistake in the program, and panic.
package stat

import "fmt"

// Alpha is the chance that a verdict rejects a claim that holds. 60 verdicts in 20 runs
// raise a false alarm with a chance of about one in a thousand.
const Alpha = 1e-6

// Bonferroni is the p-value of several tests taken together: the claim falls when any one
// falls. It holds however the tests hang together (Dunn, J. Am. Stat. Assoc. 56, 1961).
func Bonferroni(p ...float64) float64 {
	least := 1.0
	for _, x := range p {
		probability("p", x)
		least = min(least, x*float64(len(p)))
	}
	return least
}

// must panics if an argument is not what is allowed.
func must(ok bool, name string, value any, allowed string) {
	if !ok {
		panic(fmt.Sprintf("stat: %s is %v; allowed is %s", name, value, allowed))
	}
}

func probability(name string, p float64) { must(p >= 0 && p <= 1, name, p, "a number from 0 to 1") }

// inside is for what is neither certain nor impossible.
func inside(name string, p float64) {
	must(p > 0 && p < 1, name, p, "a number between 0 and 1, neither included")
}

func count(name string, n int) { must(n >= 0, name, n, "a whole number from 0") }

// part is for how many of n.
func part(name string, k, n int) {
	count("n", n)
	must(k >= 0 && k <= n, name, k, fmt.Sprintf("a whole number from 0 to n = %d", n))
}

// doubled is the two-sided p-value of two tails.
func doubled(below, above float64) float64 { return min(1, 2*min(below, above)) }

package stat

import (
	"math"
	"strings"
	"testing"
)

// masses are the probabilities of 0 to n of a distribution of which only the mode and the
// ratio of two neighbours are known: ratio(k) is P(k+1)/P(k). They are summed up and
// divided by their sum. No special function is used, so that this is a check of those.
func masses(n, mode int, ratio func(k int) float64) []float64 {
	p := make([]float64, n+1)
	p[mode] = 1
	sum := 1.0
	for k := mode; k < n; k++ {
		p[k+1] = p[k] * ratio(k)
		sum += p[k+1]
	}
	for k := mode; k > 0; k-- {
		p[k-1] = p[k] / ratio(k-1)
		sum += p[k-1]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

func binomialMasses(n int, p float64) []float64 {
	return masses(n, min(n, int(float64(n+1)*p)), func(k int) float64 { return float64(n-k) / float64(k+1) * p / (1 - p) })
}

func poissonMasses(most int, mean float64) []float64 {
	return masses(most, int(mean), func(k int) float64 { return mean / float64(k+1) })
}

// tails are the chances of at most and of at least k, the small terms first.
func tails(p []float64) (atMost, atLeast []float64) {
	atMost, atLeast = make([]float64, len(p)), make([]float64, len(p))
	below, above := 0.0, 0.0
	for i, x := range p {
		below += x
		atMost[i] = below
		j := len(p) - 1 - i
		above += p[j]
		atLeast[j] = above
	}
	return atMost, atLeast
}

// near compares p-values by their ratio, so that 1e-13 must be as good as 0.1.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || got != want && math.Abs(got-want) > tolerance*math.Abs(want) {
		t.Errorf("%s = %.17g; want %.17g", what, got, want)
	}
}

// panics checks that a mistake is named.
func panics(t *testing.T, message string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got, _ := recover().(string); !strings.Contains(got, message) {
			t.Errorf("panics with %q; want %q", got, message)
		}
	}()
	f()
}

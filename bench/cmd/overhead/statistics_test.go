package main

import (
	"math"
	"testing"
	"time"
)

// TestEstimate: by hand. The logarithms' mean is 0.2 and their deviation 0.1, and Student's
// t is 2.919986 at 95 % and two degrees of freedom: exp(0.2 − 2.919986·0.1/√3).
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		ratios []float64
		want   estimate
	}{
		{[]float64{math.Exp(0.3), math.Exp(0.1), math.Exp(0.2)}, estimate{1.221403, 1.031914}},
		{[]float64{0.5, 2, 0.5, 2}, estimate{1, 0.389929}}, // t 2.353363, deviation ln 2·√(4/3)
		{[]float64{0.9, 0.9, 0.9}, estimate{0.9, 0.9}},
	} {
		got := estimateOf(c.ratios)
		if math.Abs(got.Mean-c.want.Mean) > 1e-5 || math.Abs(got.Low-c.want.Low) > 1e-5 {
			t.Errorf("%v: %+v, want %+v", c.ratios, got, c.want)
		}
	}
}

func TestRatio(t *testing.T) {
	if got := (pair{flaky: [2]float64{90, 110}, bare: [2]float64{100, 150}}).ratio(); got != 0.8 {
		t.Errorf("200 to 250 is %v", got)
	}
}

func TestQuantiles(t *testing.T) {
	durations := make([]time.Duration, 200)
	for i := range durations {
		durations[i] = time.Duration(200 - i)
	}
	if got, want := quantilesOf(durations), (quantiles{100, 198, 200}); got != want {
		t.Errorf("of 200 to 1: %+v, want %+v", got, want)
	}
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("the median of 3, 1 and 2 is %v", got)
	}
}

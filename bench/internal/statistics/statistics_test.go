package statistics

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestEstimate: by hand. The logarithms' mean is 0.2 and their deviation 0.1, and Student's
// t at two degrees of freedom is 2.919986 at 95 % and 4.302653 at 97.5 %:
// exp(0.2 − 2.919986·0.1/√3), exp(0.2 ∓ 4.302653·0.1/√3).
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		ratios []float64
		want   Estimate
	}{
		{[]float64{math.Exp(0.3), math.Exp(0.1), math.Exp(0.2)}, Estimate{1.221403, 1.221403, 1.031914, 0.952740, 1.565825}},
		{[]float64{0.5, 2, 0.5, 2}, Estimate{1, 0.5, 0.389929, 0.279828, 3.573620}}, // t 2.353363 and 3.182446, deviation ln 2·√(4/3)
		{[]float64{0.9, 0.9, 0.9}, Estimate{0.9, 0.9, 0.9, 0.9, 0.9}},
	} {
		if diff := cmp.Diff(c.want, EstimateOf(c.ratios), cmpopts.EquateApprox(0, 1e-5)); diff != "" {
			t.Errorf("%v, -want +got:\n%s", c.ratios, diff)
		}
	}
}

// TestPairs: in the order one, other, other, one, with the first pair left out.
func TestPairs(t *testing.T) {
	var order strings.Builder
	measure := func(what string) func() (int, error) {
		return func() (int, error) {
			order.WriteString(what)
			return order.Len(), nil
		}
	}
	pairs, err := Pairs(2, measure("a"), measure("b"))
	if err != nil || order.String() != "abbaabbaabba" {
		t.Errorf("%s, %v", &order, err)
	}
	want := []Pair[int]{{One: [2]int{5, 8}, Other: [2]int{6, 7}}, {One: [2]int{9, 12}, Other: [2]int{10, 11}}}
	if diff := cmp.Diff(want, pairs); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	broken := errors.New("broken")
	if _, err := Pairs(2, measure("a"), func() (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("a slice that failed: %v", err)
	}
}

func TestCompare(t *testing.T) {
	got := Compare([]Pair[float64]{
		{One: [2]float64{90, 110}, Other: [2]float64{100, 150}}, {One: [2]float64{80, 80}, Other: [2]float64{100, 100}},
	})
	want := Comparison{One: []float64{100, 80}, Other: []float64{125, 100}, Ratio: Estimate{0.8, 0.8, 0.8, 0.8, 0.8}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestQuantiles(t *testing.T) {
	durations := make([]time.Duration, 200)
	for i := range durations {
		durations[i] = time.Duration(200 - i)
	}
	if got, want := QuantilesOf(durations), (Quantiles{100, 198, 200}); got != want {
		t.Errorf("of 200 to 1: %+v, want %+v", got, want)
	}
	if got := Median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("the median of 3, 1 and 2 is %v", got)
	}
}

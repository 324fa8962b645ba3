package report

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ticksOf(s scale) []string {
	var labels []string
	for _, t := range s.ticks() {
		labels = append(labels, t.Label)
	}
	return labels
}

func TestScale(t *testing.T) {
	for _, c := range [...]struct {
		name     string
		axis     Axis
		values   []float64
		min, max float64
		ticks    []string
	}{
		{"from 0", Axis{}, []float64{3, 9.2}, 0, 10, []string{"0", "2", "4", "6", "8", "10"}},
		{"below 0 too", Axis{}, []float64{-3, 9}, -5, 10, []string{"−5", "0", "5", "10"}},
		{"decimals", Axis{Min: 0, Max: 1}, nil, 0, 1, []string{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"thousands", Axis{}, []float64{48000}, 0, 50000, []string{"0", "10,000", "20,000", "30,000", "40,000", "50,000"}},
		{"counts", Axis{}, []float64{0, 1, 2}, 0, 2, []string{"0", "1", "2"}},
		{"no counts", Axis{}, []float64{0, 1, 1.5}, 0, 1.5, []string{"0", "0.5", "1.0", "1.5"}},
		{"nothing", Axis{}, nil, 0, 1, []string{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"only 0", Axis{}, []float64{0}, 0, 1, []string{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"log", Axis{Log: true}, []float64{3, 700}, 2, 1000, []string{"10", "100", "1000"}},
		{"a decade", Axis{Log: true}, []float64{3, 30}, 2, 50, []string{"2", "5", "10", "20", "50"}},
		{"many decades", Axis{Log: true}, []float64{1e-9, 1e9}, 1e-9, 1e9, []string{"10⁻⁹", "10⁻⁵", "0.1", "1000", "10⁷"}},
		{"log of nothing", Axis{Log: true}, nil, 1, 10, []string{"1", "2", "5", "10"}},
		{"zeros", Axis{Log: true}, []float64{0, 1, 1000}, math.Pow(1000, -0.1), 1000, []string{"0", "1", "10", "100", "1000"}},
		{"zeros only", Axis{Log: true}, []float64{0}, math.Pow(10, -0.1), 10, []string{"0", "1", "2", "5", "10"}},
		{"fixed above zeros", Axis{Log: true, Min: 1, Max: 100}, []float64{0, 5}, 1, 100, []string{"1", "2", "5", "10", "20", "50", "100"}},
	} {
		s := newScale(c.axis, c.values, true, true, 5)
		if math.Abs(s.Min-c.min) > 1e-9*math.Abs(c.max) || math.Abs(s.Max-c.max) > 1e-9*math.Abs(c.max) {
			t.Errorf("%s: %v to %v; want %v to %v", c.name, s.Min, s.Max, c.min, c.max)
		}
		if diff := cmp.Diff(c.ticks, ticksOf(s)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestZeroIsBelow: on a log axis a zero is below every number, and stands in the plot.
func TestZeroIsBelow(t *testing.T) {
	s := newScale(Axis{Log: true}, []float64{0, 0.003, 5}, true, true, 5)
	if zero, least := s.share(0), s.share(0.003); zero != 0 || least < 0.05 {
		t.Errorf("0 at %v, the least number at %v", zero, least)
	}
}

package report

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
)

// TestThin: of points over each other the ends and both extremes stay, in their order.
func TestThin(t *testing.T) {
	line := points(1, 5, 1.1, 9, 1.2, 6, 1.3, 1, 1.4, 4, 1.45, 5, 2, 7, 1, 8, 1.2, 8)
	want := points(1, 5, 1.1, 9, 1.3, 1, 1.45, 5, 2, 7, 1, 8, 1.2, 8)
	if diff := cmp.Diff(want, thin(line)); diff != "" {
		t.Error(diff)
	}
	if got := thin(nil); got != nil {
		t.Error(got)
	}
}

func TestThinDots(t *testing.T) {
	dots := points(1, 1, 1.1, 1.1, 1, 2)
	if diff := cmp.Diff(points(1, 1, 1, 2), thinDots(dots)); diff != "" {
		t.Error(diff)
	}
	many := slices.Repeat([]vg.Point{vgPoint(1, 1), vgPoint(1.9, 1.9), vgPoint(2.1, 1)}, manyPoints)
	if diff := cmp.Diff(points(1, 1, 2.1, 1), thinDots(many)); diff != "" {
		t.Error(diff)
	}
}

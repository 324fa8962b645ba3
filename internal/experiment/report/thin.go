package report

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// thin takes points out of a line that nobody can see: of those in a row that fall into
// the same half pixel it leaves the first, the lowest, the highest and the last. So peaks
// stay, and gaps too.
func thin(line []vg.Point) []vg.Point {
	var kept []vg.Point
	for from := 0; from < len(line); {
		to, low, high := from, from, from
		for ; to < len(line) && halfPixel(line[to].X) == halfPixel(line[from].X); to++ {
			if line[to].Y < line[low].Y {
				low = to
			}
			if line[to].Y > line[high].Y {
				high = to
			}
		}
		last := -1
		for _, i := range [...]int{from, min(low, high), max(low, high), to - 1} {
			if i > last {
				kept, last = append(kept, line[i]), i
			}
		}
		from = to
	}
	return kept
}

// thinDots leaves one of the dots that fall on the same spot: half a pixel or, of so many
// that they cover each other, two.
func thinDots(dots []vg.Point) []vg.Point {
	spot := vg.Length(0.5)
	if len(dots) > manyPoints {
		spot = 2
	}
	seen := map[[2]float64]bool{}
	var kept []vg.Point
	for _, p := range dots {
		at := [2]float64{math.Floor(float64(p.X / spot)), math.Floor(float64(p.Y / spot))}
		if !seen[at] {
			seen[at] = true
			kept = append(kept, p)
		}
	}
	return kept
}

func halfPixel(v vg.Length) float64 { return math.Floor(float64(v) * 2) }

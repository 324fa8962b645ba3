package report

import (
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
)

// A barPlan says how wide bars are, and which of several stands where.
type barPlan struct {
	width float64 // of a bar
	slots int     // series side by side
	inset float64 // room for what reaches over the ends of the x axis
}

// planBars makes bars as wide as their neighbours allow. Series that have bars at the same
// places stand side by side.
func (l *layout) planBars() barPlan {
	var shares []float64
	seen := map[float64]bool{}
	n, meet, marked := 0, false, false
	for _, line := range l.Lines {
		marked = marked || line.Style == Dots || line.Style == Curve && len(line.XY) <= fewPoints
		if line.Style != Bars {
			continue
		}
		n++
		own := map[float64]bool{}
		for _, p := range line.XY {
			if drawable(p.X) && drawable(p.Y) && !own[p.X] {
				own[p.X] = true
				meet = meet || seen[p.X]
				shares = append(shares, l.x.share(p.X))
			}
		}
		for x := range own {
			seen[x] = true
		}
	}
	plan := barPlan{slots: 1}
	if marked {
		plan.inset = 8
	}
	if len(shares) == 0 {
		return plan
	}
	if meet {
		plan.slots = n
	}
	slices.Sort(shares)
	gap := 0.25
	for i, s := range slices.Compact(shares)[1:] {
		gap = min(gap, s-shares[i])
	}
	// The gap is one of the plot without its insets, which are half a bar each.
	room := (l.right - l.left) * gap / (1 + gap)
	plan.inset = max(plan.inset, room/2)
	plan.width = min(max(0.84*room/float64(plan.slots), 1), 56)
	return plan
}

// drawBars draws bars from 0, or from the foot of the plot.
func (l *layout) drawBars(i int) {
	base := l.bottom
	if !l.y.log {
		base = min(max(l.py(0), l.top), l.bottom)
	}
	slot := 0
	for _, line := range l.Lines[:i] {
		if line.Style == Bars {
			slot++
		}
	}
	if l.bars.slots == 1 {
		slot = 0
	}
	offset := (float64(slot) - float64(l.bars.slots)/2) * l.bars.width
	var bars [][]vg.Point
	for _, p := range tallest(slices.Concat(l.pieces(l.Lines[i])...), base) {
		x := float64(p.X) + offset
		y := min(max(float64(p.Y), l.top), l.bottom)
		if x+l.bars.width <= l.left || x >= l.right || y == base {
			continue
		}
		a, b := max(x, l.left), min(x+l.bars.width, l.right)
		bars = append(bars, []vg.Point{vgPoint(a, base), vgPoint(a, y), vgPoint(b, y), vgPoint(b, base)})
	}
	paint := l.penOf(i).paint
	l.out.polygons(paint, bars...)
	if l.nth(i)%2 == 1 && l.bars.width >= 5 { // every second series is striped: seen without colour
		var stripes [][]vg.Point
		for _, b := range bars {
			stripes = append(stripes, hatching(float64(b[0].X), float64(min(b[1].Y, b[0].Y)), float64(b[2].X), float64(max(b[1].Y, b[0].Y)), 6)...)
		}
		l.out.lines(pen{paint: paper, width: 1}, stripes...)
	}
}

// tallest leaves, of bars in the same half pixel, the one that reaches furthest.
func tallest(bars []vg.Point, base float64) []vg.Point {
	place := map[float64]int{}
	var kept []vg.Point
	for _, b := range bars {
		i, ok := place[halfPixel(b.X)]
		switch {
		case !ok:
			place[halfPixel(b.X)] = len(kept)
			kept = append(kept, b)
		case math.Abs(float64(b.Y)-base) > math.Abs(float64(kept[i].Y)-base):
			kept[i] = b
		}
	}
	return kept
}

// hatching is a set of slanted lines within a rectangle.
func hatching(x0, y0, x1, y1, distance float64) [][]vg.Point {
	var lines [][]vg.Point
	height := y1 - y0
	// Lines stand on a raster of the whole picture, so that neighbours go on in each other.
	for x := math.Floor((x0+y0)/distance)*distance - y0; x < x1+height; x += distance {
		// from (x, y0) down to the left: (x − height, y1)
		ax, bx := min(x, x1), max(x-height, x0)
		if ax > bx {
			lines = append(lines, across(ax, y0+x-ax, bx, y0+x-bx))
		}
	}
	return lines
}

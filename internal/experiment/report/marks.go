package report

import (
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fewPoints is up to how many points a curve shows each of them.
const fewPoints = 40

// manyPoints is from how many points on a line is drawn fine, for what lies behind it.
const manyPoints = 1500

// penOf is what the i-th line is drawn with.
func (l *layout) penOf(i int) pen {
	if l.Lines[i].Style == Rule {
		patterns := [...]string{"6 4", "2 3", "10 3 2 3"}
		return pen{paint: soft, width: 1.3, dash: patterns[l.nth(i)%len(patterns)]}
	}
	p := pen{paint: series(l.nth(i)), width: 2, dash: dashes(l.nth(i))}
	if len(l.Lines[i].XY) > manyPoints {
		p.width = 1.2
	}
	return p
}

// nth is the place of a line among those that look like it: rules by themselves, so that
// the paint of a series does not hang on whether a bound is drawn.
func (l *layout) nth(i int) int {
	n := 0
	for _, line := range l.Lines[:i] {
		if (line.Style == Rule) == (l.Lines[i].Style == Rule) {
			n++
		}
	}
	return n
}

// drawLine draws one series under its name.
func (l *layout) drawLine(i int) {
	line := l.Lines[i]
	l.out.group(line.Name, func() {
		switch line.Style {
		case Bars:
			l.drawBars(i)
		case Dots:
			l.drawDots(i, 4.5)
		default:
			l.drawCurve(i)
			if shown := l.points(line); line.Style == Curve && len(shown) <= fewPoints {
				l.drawMarkers(i, shown, 3.4)
			}
		}
	})
}

// drawCurve draws curves, steps and rules, in pieces between gaps.
func (l *layout) drawCurve(i int) {
	line, p := l.Lines[i], l.penOf(i)
	if line.Style == Rule && len(line.XY) == 1 {
		if y := line.XY[0].Y; drawable(y) && l.y.share(y) >= 0 && l.y.share(y) <= 1 {
			l.out.lines(p, across(l.left, l.py(y), l.right, l.py(y)))
		}
		return
	}
	var pieces [][]vg.Point
	for _, piece := range l.pieces(line) {
		if len(piece) == 1 && line.Style != Curve && l.contains(piece[0]) { // a curve has markers
			dot := pen{paint: p.paint, width: 5, round: true}
			l.out.lines(dot, []vg.Point{piece[0], piece[0]})
		}
		if line.Style == Steps {
			piece = stairs(piece)
		}
		pieces = append(pieces, thin(piece))
	}
	area := l.area()
	l.out.lines(p, area.ClipLinesXY(pieces...)...)
}

// pieces are the points of a line, in pixels, parted where a value is missing.
func (l *layout) pieces(line Line) [][]vg.Point {
	var pieces [][]vg.Point
	open := false
	for _, p := range line.XY {
		if !drawable(p.X) || !drawable(p.Y) {
			open = false
			continue
		}
		if !open {
			pieces = append(pieces, nil)
		}
		open = true
		last := len(pieces) - 1
		pieces[last] = append(pieces[last], vgPoint(l.px(p.X), l.py(p.Y)))
	}
	return pieces
}

// points are all points of a line that lie in the plot.
func (l *layout) points(line Line) []vg.Point {
	return slices.DeleteFunc(slices.Concat(l.pieces(line)...), func(p vg.Point) bool { return !l.contains(p) })
}

// stairs holds each value until the next.
func stairs(piece []vg.Point) []vg.Point {
	var steps []vg.Point
	for i, p := range piece {
		if i > 0 {
			steps = append(steps, vg.Point{X: p.X, Y: piece[i-1].Y})
		}
		steps = append(steps, p)
	}
	return steps
}

// area is the part of the picture that lines must not leave.
func (l *layout) area() draw.Canvas {
	return draw.Canvas{Rectangle: vg.Rectangle{Min: vgPoint(l.left, l.top), Max: vgPoint(l.right, l.bottom)}}
}

func (l *layout) contains(p vg.Point) bool {
	area := l.area()
	return area.Contains(p)
}

// drawDots draws dots, smaller ones if there are many.
func (l *layout) drawDots(i int, size float64) {
	dots := thinDots(l.points(l.Lines[i]))
	if len(dots) > 400 {
		size = 3
	}
	l.drawMarkers(i, dots, size)
}

// drawMarkers marks points with the shape of the i-th line.
func (l *layout) drawMarkers(i int, points []vg.Point, size float64) {
	if len(points) == 0 {
		return
	}
	p := l.penOf(i)
	if l.nth(i)%4 == 0 { // a stroke of no length with round ends is a disc, in few bytes
		var discs [][]vg.Point
		for _, at := range points {
			discs = append(discs, []vg.Point{at, at})
		}
		l.out.lines(pen{paint: p.paint, width: 2 * size * 0.9, round: true}, discs...)
		return
	}
	var shapes [][]vg.Point
	for _, at := range points {
		shapes = append(shapes, marker(l.nth(i), at, size))
	}
	l.out.polygons(p.paint, shapes...)
}

// marker is the outline of the n-th shape: square, triangle or diamond.
func marker(n int, at vg.Point, size float64) []vg.Point {
	corners, turn := 4.0, math.Pi/4
	switch n % 4 {
	case 2:
		corners, turn = 3, -math.Pi/2
	case 3:
		turn = 0
	}
	var outline []vg.Point
	for c := range int(corners) {
		sin, cos := math.Sincos(turn + 2*math.Pi*float64(c)/corners)
		outline = append(outline, at.Add(vgPoint(size*1.15*cos, size*1.15*sin)))
	}
	return outline
}

package report

import (
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
)

// A frame is the room for a figure.
type frame struct {
	width float64
	panel float64 // height of the part with lines
	row   float64 // height of a row at most
}

// Sizes of text, and distances.
const (
	titleSize = 15
	textSize  = 12
	tickSize  = 11.5
	margin    = 16
	laneSpace = 15 // of a phase's name
)

// SVG writes the figure as a document of its own, for light and dark paper.
func (f Figure) SVG(w io.Writer) error {
	return f.draw(wide()).standalone(w, f.label("figure"))
}

// wide is the frame of figures in pages and files.
func wide() frame { return frame{width: 760, panel: 300, row: 20} }

// label is what the figure says to those who do not see it.
func (f Figure) label(id string) label {
	return label{id: id, title: f.Title, description: f.Caption}
}

// A layout is a figure whose parts have their places.
type layout struct {
	Figure
	frame
	out  *drawing
	x, y scale

	left, right float64 // ends of the x axis
	top, bottom float64 // ends of the y axis
	rowsTop     float64
	foot        float64 // of everything that shares the x axis
	rowHeight   float64

	title   []string
	entries []entry // the legend
	names   []phaseName
	bars    barPlan
}

// draw lays a figure out and draws it, from what lies behind to what lies in front.
func (f Figure) draw(room frame) *drawing {
	l := &layout{Figure: f, frame: room}
	l.measure()
	l.out.rect(0, 0, l.out.width, l.out.height, 8, paper)
	l.drawHead()
	l.drawPhases()
	l.drawGrid()
	l.drawRows()
	for i, line := range l.Lines {
		if line.Style != Rule {
			l.drawLine(i)
		}
	}
	for i, line := range l.Lines { // a bound is to be seen over what must not cross it
		if line.Style == Rule {
			l.drawLine(i)
		}
	}
	l.drawAxes()
	return l.out
}

// measure gives everything its place, from the top down.
func (l *layout) measure() {
	l.title = script{size: titleSize, bold: true}.gauge().lines(l.Title, l.width-2*margin, 3)
	y := margin + 20*float64(len(l.title))

	l.x = newScale(l.X, l.xValues(), false, false, int(l.width/90))
	l.y = newScale(l.Y, l.yValues(), true, true, max(2, int(l.panel/50)))
	l.left, l.right = l.sides()
	l.bars = l.planBars()

	l.entries = l.legend()
	if len(l.entries) > 0 {
		y += 6 + l.placeLegend(y+6)
	}
	if l.hasLines() && l.Y.Label != "" {
		y += 20
	}
	l.names = l.placePhases()
	y += 10 + laneSpace*l.lanes()

	l.top, l.bottom = y, y
	if l.hasLines() || len(l.Rows) == 0 {
		l.bottom = y + l.panel
	}
	l.rowsTop = l.bottom
	if l.hasLines() && len(l.Rows) > 0 {
		l.rowsTop += 14
	}
	l.rowHeight = math.Min(l.row, math.Max(720/math.Max(float64(len(l.Rows)), 1), 7))
	l.foot = l.rowsTop + l.rowHeight*float64(len(l.Rows))

	height := l.foot + 22
	if l.X.Label != "" {
		height += 18
	}
	l.out = newDrawing(l.width, height+8)
}

// hasLines reports whether there is a y axis.
func (l *layout) hasLines() bool { return len(l.Lines) > 0 }

// xValues are all that the x axis must show.
func (l *layout) xValues() []float64 {
	var values []float64
	for _, line := range l.Lines {
		if line.Style == Rule && len(line.XY) == 1 {
			continue // it runs across, wherever its point is
		}
		for _, p := range line.XY {
			if drawable(p.Y) {
				values = append(values, p.X)
			}
		}
	}
	for _, row := range l.Rows {
		for _, b := range row.Bars {
			values = append(values, b.From, b.To)
		}
	}
	for _, p := range l.Phases {
		values = append(values, p.From, p.To)
	}
	return values
}

// yValues are all that the y axis must show.
func (l *layout) yValues() []float64 {
	var values []float64
	for _, line := range l.Lines {
		for _, p := range line.XY {
			if drawable(p.X) || line.Style == Rule {
				values = append(values, p.Y)
			}
		}
	}
	return values
}

// sides are the ends of the x axis: what is written on its left needs room.
func (l *layout) sides() (from, to float64) {
	ticks, names := script{size: tickSize}.gauge(), 0.0
	if l.hasLines() {
		for _, t := range l.y.ticks() {
			names = max(names, ticks.of(t.Label))
		}
	}
	for _, row := range l.Rows {
		names = max(names, min(ticks.of(plain(row.Name)), l.width/4))
	}
	to = l.width - margin - 10
	return min(margin+names+8, to-40), to
}

// ticks are those of the axis that lie within it.
func (s scale) ticks() []plot.Tick { return s.Tick.Marker.Ticks(s.Min, s.Max) }

// px is where a value stands on the x axis. Marks at its ends need room beside them.
func (l *layout) px(v float64) float64 {
	inset := l.bars.inset
	return l.left + inset + l.x.share(v)*(l.right-l.left-2*inset)
}

// py is where a value stands on the y axis.
func (l *layout) py(v float64) float64 { return l.bottom - l.y.share(v)*(l.bottom-l.top) }

func (l *layout) drawHead() {
	for i, line := range l.title {
		l.out.text(margin, margin+15+20*float64(i), left, ink, script{size: titleSize, bold: true}, line)
	}
	for _, e := range l.entries {
		l.drawEntry(e)
	}
}

// drawGrid draws what leads from ticks to data.
func (l *layout) drawGrid() {
	hair := pen{paint: grid, width: 1}
	for _, t := range l.x.ticks() {
		x := l.px(t.Value)
		if l.bottom > l.top {
			l.out.lines(hair, across(x, l.top, x, l.bottom))
		}
		if len(l.Rows) > 0 {
			l.out.lines(hair, across(x, l.rowsTop, x, l.foot))
		}
	}
	if l.hasLines() {
		for _, t := range l.y.ticks() {
			l.out.lines(hair, across(l.left, l.py(t.Value), l.right, l.py(t.Value)))
		}
	}
}

// drawAxes draws the axes with what is written at them.
func (l *layout) drawAxes() {
	small := script{size: tickSize}
	hair := pen{paint: axis, width: 1}
	if l.hasLines() {
		for _, t := range l.y.ticks() {
			l.out.text(l.left-8, l.py(t.Value)+4, right, soft, small, t.Label)
		}
		base := l.bottom
		if l.y.Min < 0 && l.y.Max > 0 {
			base = l.py(0)
		}
		l.out.lines(hair, across(l.left, base, l.right, base))
		label := small.gauge().cut(l.Y.Label, l.width-2*margin)
		l.out.text(margin, l.top-l.lanes()*laneSpace-14, left, soft, small, label)
	}
	if len(l.Rows) > 0 {
		l.out.lines(hair, across(l.left, l.foot, l.right, l.foot))
	}
	if l.nothing() {
		l.out.text((l.left+l.right)/2, (l.top+l.foot)/2, middle, soft, script{size: textSize}, "no data")
	}
	for _, t := range l.x.ticks() {
		l.out.text(l.px(t.Value), l.foot+17, middle, soft, small, t.Label)
	}
	label := small.gauge().cut(l.X.Label, l.right-l.left)
	l.out.text((l.left+l.right)/2, l.foot+36, middle, soft, small, label)
}

// nothing reports whether there is no mark in the whole figure.
func (l *layout) nothing() bool {
	return !slices.ContainsFunc(l.xValues(), drawable) && !slices.ContainsFunc(l.yValues(), drawable)
}

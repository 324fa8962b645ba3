package report

import (
	"fmt"
	"math"
	"slices"
)

// manyBars is from how many on bars have no names to point at, and no hatching: nobody
// could point at one of them.
const manyBars = 600

// drawRows draws a waterfall, or bands of states.
func (l *layout) drawRows() {
	total := 0
	for _, row := range l.Rows {
		total += len(row.Bars)
	}
	small := script{size: min(tickSize, max(l.rowHeight, 10))}
	every := int(math.Ceil(13 / l.rowHeight))
	for i, row := range l.Rows {
		y := l.rowsTop + float64(i)*l.rowHeight
		if i%every == 0 {
			name := small.gauge().cut(row.Name, l.left-margin-8)
			l.out.text(l.left-8, y+l.rowHeight/2+4, right, soft, small, name)
		}
		l.drawRow(row, y, total < manyBars)
	}
}

func (l *layout) drawRow(row Row, y float64, named bool) {
	gap := min(1.5, l.rowHeight/8)
	top, bottom := y+gap, y+l.rowHeight-gap
	if !named {
		for _, s := range l.merged(row) {
			l.drawState(s.state, s.from, top, s.to, bottom, false)
		}
		return
	}
	for i, b := range row.Bars {
		if s, ok := l.spanOf(b); ok {
			l.out.group(row.barName(b), func() {
				l.drawState(s.state, s.from, top, s.to, bottom, l.rowHeight >= 10)
			})
			l.labelBar(row, i, s.from, s.to, y)
		}
	}
}

// A span is a bar in pixels.
type span struct {
	state    string
	from, to float64
}

// spanOf is a bar that can be seen, however short what it shows was.
func (l *layout) spanOf(b Bar) (span, bool) {
	from, to, ok := l.stretch(b.From, b.To)
	return span{b.State, from, max(to, from+1)}, ok
}

// merged are the bars of a row, in which those of one state that touch are one.
func (l *layout) merged(row Row) []span {
	var spans []span
	last := map[string]int{} // by state, the place of its last
	for _, b := range row.Bars {
		s, ok := l.spanOf(b)
		if !ok {
			continue
		}
		if i, known := last[s.state]; known && s.from >= spans[i].from && s.from <= spans[i].to+0.5 {
			spans[i].to = max(spans[i].to, s.to)
			continue
		}
		last[s.state] = len(spans)
		spans = append(spans, s)
	}
	return spans
}

func (r Row) barName(b Bar) string {
	name := fmt.Sprintf("%s: %s", r.Name, b.State)
	if b.Label != "" {
		name += ", " + b.Label
	}
	return fmt.Sprintf("%s, %s to %s", name, number(b.From), number(b.To))
}

// drawState fills a rectangle the way a state looks.
func (l *layout) drawState(state string, x0, y0, x1, y1 float64, hatched bool) {
	look := lookOf(state)
	lost := (y1 - y0) * (1 - look.height) / 2
	y0, y1 = y0+lost, y1-lost
	l.out.rect(x0, y0, x1-x0, y1-y0, min(2, (x1-x0)/3), look.paint)
	if look.hatch && hatched && x1-x0 >= 5 {
		l.out.lines(pen{paint: hatch, width: 0.8}, hatching(x0, y0, x1, y1, 6)...)
	}
}

// labelBar writes on a bar, or behind it if there is nothing before its text ends.
func (l *layout) labelBar(row Row, i int, from, to, y float64) {
	small := script{size: 10.5}
	b := row.Bars[i]
	wide := small.gauge().of(plain(b.Label))
	look := lookOf(b.State)
	switch base := y + l.rowHeight/2 + 3.7; {
	case b.Label == "" || l.rowHeight < 12:
	case wide+8 <= to-from && look.height >= 0.8:
		if look.hatch {
			l.out.rect((from+to-wide)/2-3, y+3, wide+6, l.rowHeight-6, 3, look.paint)
		}
		l.out.text((from+to)/2, base, middle, look.text, small, b.Label)
	case to+wide+8 <= l.right && !l.taken(row, to+1, to+wide+8):
		l.out.text(to+5, base, left, soft, small, b.Label)
	}
}

// taken reports whether a bar of the row reaches into a stretch.
func (l *layout) taken(row Row, from, to float64) bool {
	return slices.ContainsFunc(row.Bars, func(b Bar) bool {
		a, z, ok := l.stretch(b.From, b.To)
		return ok && a < to && z > from
	})
}

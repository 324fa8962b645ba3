package report

import "slices"

// An entry of the legend is for a line or for a state.
type entry struct {
	line  int // or -1
	state string
	name  string
	x, y  float64 // of the left end, in the middle of its height
}

// legend has every series, and every state that appears.
func (l *layout) legend() []entry {
	var entries []entry
	for i, line := range l.Lines {
		entries = append(entries, entry{line: i, name: line.Name})
	}
	var states []string
	for _, row := range l.Rows {
		for _, b := range row.Bars {
			if !slices.Contains(states, b.State) {
				states = append(states, b.State)
			}
		}
	}
	slices.SortStableFunc(states, func(a, b string) int { return stateOrder(a) - stateOrder(b) })
	for _, s := range states {
		entries = append(entries, entry{line: -1, state: s, name: s})
	}
	return entries
}

// stateOrder is the same in every figure.
func stateOrder(state string) int {
	states := []string{"ok", "error", "timeout", "rejected", "canceled", "wait", "closed", "open", "half-open"}
	if i := slices.Index(states, state); i >= 0 {
		return i
	}
	return len(states)
}

const (
	swatch      = 24.0
	legendSpace = 18.0
)

// placeLegend sets entries one after the other, in as many lines as they need, and tells
// the height of them all.
func (l *layout) placeLegend(top float64) float64 {
	letters := script{size: textSize}.gauge()
	x, y := float64(margin), top+legendSpace/2
	for i := range l.entries {
		e := &l.entries[i]
		e.name = letters.cut(e.name, l.width-2*margin-swatch-6)
		wide := swatch + 6 + letters.of(e.name)
		if x > margin && x+wide > l.width-margin {
			x, y = margin, y+legendSpace
		}
		e.x, e.y = x, y
		x += wide + 18
	}
	return y + legendSpace/2 - top
}

// drawEntry draws a sample of what is in the plot, and its name.
func (l *layout) drawEntry(e entry) {
	end, mid := e.x+swatch, e.x+swatch/2
	sample := pen{}
	if e.line >= 0 {
		sample = l.penOf(e.line)
		sample.width = max(sample.width, 1.6) // of a fine line too
	}
	switch {
	case e.line < 0:
		l.drawState(e.state, e.x, e.y-6, end, e.y+6, true)
	case l.Lines[e.line].Style == Bars:
		l.out.rect(e.x+5, e.y-6, 14, 12, 1, sample.paint)
		if l.nth(e.line)%2 == 1 && l.bars.width >= 5 {
			l.out.lines(pen{paint: paper, width: 1}, hatching(e.x+5, e.y-6, e.x+19, e.y+6, 6)...)
		}
	case l.Lines[e.line].Style == Dots:
		l.drawMarkers(e.line, points(mid, e.y), 4.5)
	case l.Lines[e.line].Style == Steps:
		l.out.lines(sample, stairs(append(points(e.x, e.y+4), points(mid, e.y-4, end, e.y-4)...)))
	default:
		l.out.lines(sample, across(e.x, e.y, end, e.y))
		if l.Lines[e.line].Style == Curve && len(l.points(l.Lines[e.line])) <= fewPoints {
			l.drawMarkers(e.line, points(mid, e.y), 3.4)
		}
	}
	l.out.text(end+6, e.y+4, left, ink, script{size: textSize}, e.name)
}

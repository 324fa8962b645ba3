package report

import "gonum.org/v1/plot/vg"

// A phaseName is the name of a phase with its place above the plot.
type phaseName struct {
	text string
	x    float64 // of its middle
	lane int     // from below
}

// stretch is the part of the x axis that a phase covers, if it covers any.
func (l *layout) stretch(from, to float64) (a, b float64, ok bool) {
	if !drawable(from) || !drawable(to) {
		return 0, 0, false
	}
	a, b = l.px(min(from, to)), l.px(max(from, to))
	if b < l.left || a > l.right {
		return 0, 0, false
	}
	return max(a, l.left), min(b, l.right), true
}

// placePhases puts each name over its phase, in the lowest of a few lanes in which it does
// not meet another.
func (l *layout) placePhases() []phaseName {
	const lanes = 3
	var ends [lanes]float64
	letters := script{size: tickSize}.gauge()
	var names []phaseName
	for _, p := range l.Phases {
		a, b, ok := l.stretch(p.From, p.To)
		if !ok || p.Name == "" {
			continue
		}
		text := letters.cut(p.Name, (l.right-l.left)/2)
		half := letters.of(text) / 2
		x := min(max((a+b)/2, l.left+half), l.right-half)
		for lane := range lanes {
			if x-half >= ends[lane] {
				ends[lane] = x + half + 8
				names = append(names, phaseName{text, x, lane})
				break
			}
		}
	}
	return names
}

// lanes is how many lanes the names of phases need.
func (l *layout) lanes() float64 {
	n := 0
	for _, name := range l.names {
		n = max(n, name.lane+1)
	}
	return float64(n)
}

func (l *layout) drawPhases() {
	for _, p := range l.Phases {
		a, b, ok := l.stretch(p.From, p.To)
		if !ok {
			continue
		}
		l.out.group(p.Name, func() {
			l.out.rect(a, l.top, max(b-a, 1), l.foot-l.top, 0, shade)
			hair := pen{paint: edge, width: 1}
			l.out.lines(hair, across(a, l.top, a, l.foot), across(b, l.top, b, l.foot))
		})
	}
	for _, n := range l.names {
		l.out.text(n.x, l.top-5-laneSpace*float64(n.lane), middle, soft, script{size: tickSize}, n.text)
	}
}

// across is a straight line.
func across(x0, y0, x1, y1 float64) []vg.Point {
	return []vg.Point{vgPoint(x0, y0), vgPoint(x1, y1)}
}

func vgPoint(x, y float64) vg.Point { return vg.Point{X: vg.Length(x), Y: vg.Length(y)} }

// points are pairs of x and y.
func points(xy ...float64) []vg.Point {
	var list []vg.Point
	for i := 0; i+1 < len(xy); i += 2 {
		list = append(list, vgPoint(xy[i], xy[i+1]))
	}
	return list
}

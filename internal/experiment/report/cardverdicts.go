package report

import (
	"fmt"
	"slices"
)

// A cardText is how verdicts are set.
type cardText struct {
	scale float64
	most  int // lines of a text
}

// A cardVerdict is one with its lines.
type cardVerdict struct {
	Verdict
	cardText
	name, expected, seen []string
}

func (t cardText) heading() script       { return script{size: 20 * t.scale, bold: true} }
func (t cardText) detail() script        { return script{size: 17 * t.scale} }
func (t cardText) headingSpace() float64 { return 26 * t.scale }
func (t cardText) detailSpace() float64  { return 22 * t.scale }
func (t cardText) signSpace() float64    { return 34 * t.scale }

// set breaks texts into lines.
func (t cardText) set(list []Verdict, room float64) []cardVerdict {
	room -= t.signSpace()
	name, detail := t.heading().gauge(), t.detail().gauge()
	var set []cardVerdict
	for _, v := range list {
		set = append(set, cardVerdict{v, t, name.lines(v.Name, room, 1),
			detail.lines("expected "+v.Expected, room, t.most), detail.lines("seen "+v.Seen, room, t.most)})
	}
	return set
}

func (v cardVerdict) height() float64 {
	return v.headingSpace()*float64(len(v.name)) + v.detailSpace()*float64(len(v.expected)+len(v.seen)) + 14*v.scale
}

func heightOf(set []cardVerdict) float64 {
	total := 0.0
	for _, v := range set {
		total += v.height()
	}
	return total
}

// verdicts writes as many as fit, first those that did not pass; or why there is none.
func (c *card) verdicts(x, y, end, bottom float64) {
	if len(c.Verdicts) == 0 {
		why := script{size: 22}
		for i, line := range why.gauge().lines(c.Skipped+c.Err, end-x, int((bottom-y)/30)) {
			c.out.text(x, y+24+30*float64(i), left, ink, why, line)
		}
		return
	}
	list := slices.Clone(c.Verdicts)
	slices.SortStableFunc(list, func(a, b Verdict) int { return urgency(a) - urgency(b) })
	var set []cardVerdict
	for _, size := range [...]cardText{{1.25, 3}, {1, 3}, {1, 2}, {1, 1}} { // as large as fits
		if set = size.set(list, end-x); heightOf(set) <= bottom-y {
			break
		}
	}
	for i, v := range set {
		rest := y + heightOf(set[i:]) // if it does not fit, the last line says how many are missing
		if rest > bottom && y+v.height()+v.detailSpace() > bottom {
			c.out.text(x+34, y+14, left, soft, script{size: 17}, fmt.Sprintf("and %d more", len(set)-i))
			return
		}
		y = c.verdict(v, x, y)
	}
}

func urgency(v Verdict) int {
	return slices.Index([]Outcome{Fail, Inconclusive, Pass}, v.Outcome)
}

// verdict writes one, and tells where the next begins.
func (c *card) verdict(v cardVerdict, x, y float64) float64 {
	c.sign(v.Outcome, x+11*v.scale, y+10*v.scale, 11*v.scale)
	write := func(lines []string, p string, s script, space float64) {
		for _, line := range lines {
			c.out.text(x+v.signSpace(), y+s.size*0.87, left, p, s, line)
			y += space
		}
	}
	write(v.name, ink, v.heading(), v.headingSpace())
	write(v.expected, soft, v.detail(), v.detailSpace())
	write(v.seen, v.Outcome.paint(), v.detail(), v.detailSpace())
	return y + 14*v.scale
}

package report

import (
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot/vg"
)

// The size of a card is the one that pages show of what they link to.
const (
	cardWidth  = 1200
	cardHeight = 630
	cardMargin = 56
)

// Card writes an experiment as one picture to share, for light and dark paper.
func Card(w io.Writer, r Result) error {
	c := card{Result: r, out: newDrawing(cardWidth, cardHeight)}
	c.out.rect(0, 0, cardWidth, cardHeight, 0, paper)
	c.out.rect(0, 0, 12, cardHeight, 0, r.ended().paint())
	top := c.head()
	bottom := float64(cardHeight - 76)
	c.foot()
	if len(r.Figures) > 0 {
		figureWidth := 560.0
		c.figure(cardMargin-16, top, figureWidth, bottom-top)
		c.verdicts(cardMargin+figureWidth+12, top+14, cardWidth-cardMargin, bottom)
	} else {
		c.verdicts(cardMargin, top+14, cardWidth-cardMargin, bottom)
	}
	return c.out.standalone(w, label{id: "card", title: r.Name + ": " + string(r.ended()), description: c.description()})
}

// A card is being drawn.
type card struct {
	Result
	out *drawing
}

func (c *card) description() string {
	var text strings.Builder
	text.WriteString(c.Claim + ".")
	for _, v := range c.Verdicts {
		fmt.Fprintf(&text, " %s: %s, expected %s, seen %s.", v.Name, v.Outcome, v.Expected, v.Seen)
	}
	return text.String()
}

// head writes name, claim and outcome, and tells where they end.
func (c *card) head() float64 {
	ended := c.ended()
	big := script{size: 26, bold: true}
	end := float64(cardWidth - cardMargin)
	width := big.gauge().of(string(ended))
	c.out.text(end, 92, right, ended.paint(), big, string(ended))
	c.sign(ended, end-width-26, 83, 14)

	name := script{size: 46, bold: true}
	c.out.text(cardMargin, 98, left, ink, name, name.gauge().cut(c.Name, end-cardMargin-width-80))
	y := 98.0
	claim := script{size: 24}
	for _, line := range claim.gauge().lines(c.Claim, end-cardMargin, 2) {
		y += 36
		c.out.text(cardMargin, y, left, soft, claim, line)
	}
	if c.Negative != "" {
		y += 32
		control := script{size: 20, bold: true}
		c.out.text(cardMargin, y, left, "doubt", control, control.gauge().cut("negative control: "+c.Negative, end-cardMargin))
	}
	return y + 22
}

// foot says where this comes from, and how to see it again.
func (c *card) foot() {
	y := float64(cardHeight - 34)
	c.out.lines(pen{paint: grid, width: 1}, across(cardMargin, y-30, cardWidth-cardMargin, y-30))
	from := script{size: 17}
	text := fmt.Sprintf("Reliability Patterns · seed %d · %s", c.Seed, c.World)
	if c.Calls > 0 {
		text += " · " + plural(c.Calls, "call")
	}
	text = from.gauge().cut(text, (cardWidth-2*cardMargin)*0.55)
	c.out.text(cardMargin, y, left, soft, from, text)
	command := script{size: 15, mono: true}
	room := cardWidth - 2*cardMargin - from.gauge().of(text) - 30
	c.out.text(cardWidth-cardMargin, y, right, soft, command, command.gauge().cut(c.Repeat, room))
}

// figure draws the first figure as high as there is room.
func (c *card) figure(x, y, width, height float64) {
	const scale = 1.15 // what is read on a card is read small
	f := c.Figures[0]
	room := frame{width: width / scale, panel: 60, row: 20}
	f.Title = ""
	if spare := height/scale - f.draw(room).height; spare > 0 && (len(f.Lines) > 0 || len(f.Rows) == 0) {
		room.panel += spare
	} else if spare > 0 {
		room.row += min(spare/float64(len(f.Rows)), 20)
	}
	c.out.nest(f.draw(room), x, y, width, height)
}

// sign draws the sign of an outcome: fonts have it in all shapes and colours, or not at all.
func (c *card) sign(o Outcome, x, y, r float64) {
	c.out.lines(pen{paint: o.paint(), width: 2 * r, round: true}, across(x, y, x, y))
	p := pen{paint: paper, width: r / 4.5, round: true}
	at := func(xy ...float64) []vg.Point {
		for i := range xy {
			xy[i] = [...]float64{x, y}[i%2] + xy[i]*r
		}
		return points(xy...)
	}
	switch o.glyph() {
	case "✓":
		c.out.lines(p, at(-0.42, 0.05, -0.12, 0.36, 0.45, -0.32))
	case "✗":
		c.out.lines(p, at(-0.33, -0.33, 0.33, 0.33), at(-0.33, 0.33, 0.33, -0.33))
	case "–":
		c.out.lines(p, at(-0.4, 0, 0.4, 0))
	default:
		c.out.lines(p, at(-0.28, -0.22, -0.18, -0.44, 0.02, -0.52, 0.24, -0.44, 0.3, -0.22, 0.02, 0.08, 0, 0.22), at(0, 0.52, 0, 0.52))
	}
}

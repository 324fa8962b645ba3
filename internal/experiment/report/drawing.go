package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A drawing is an SVG under way. What it has for colours is paints, so it can be shown on
// light paper and on dark. gonum's own SVG has them fixed in each element, and its text
// upside down in a mirrored space, so it draws none of it.
type drawing struct {
	width, height float64
	body          bytes.Buffer
	used          map[string]bool // paints
}

func newDrawing(width, height float64) *drawing {
	return &drawing{width: width, height: height, used: map[string]bool{}}
}

// pixels is a length in the document: a tenth of a pixel is as fine as anybody sees.
func pixels(v float64) string {
	s := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	return s
}

// escape is text as XML can hold it: what it cannot is replaced.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

func (d *drawing) fill(p string) string {
	d.used[p] = true
	return "f-" + p
}

func (d *drawing) stroke(p string) string {
	d.used[p] = true
	return "s-" + p
}

// Where a text stands to its point.
const (
	left   = "start"
	middle = "middle"
	right  = "end"
)

// text writes one line.
func (d *drawing) text(x, y float64, anchor, p string, s script, text string) {
	if text == "" {
		return
	}
	class := d.fill(p)
	if s.bold {
		class += " b"
	}
	if s.mono {
		class += " m"
	}
	if anchor != left {
		anchor = ` text-anchor="` + anchor + `"`
	} else {
		anchor = ""
	}
	fmt.Fprintf(&d.body, `<text x="%s" y="%s" class="%s" font-size="%s"%s>%s</text>`+"\n", pixels(x), pixels(y), class, pixels(s.size), anchor, escape(plain(text)))
}

// rect fills a rectangle with rounded corners.
func (d *drawing) rect(x, y, w, h, radius float64, p string) {
	round := ""
	if radius > 0 {
		round = ` rx="` + pixels(radius) + `"`
	}
	fmt.Fprintf(&d.body, `<rect x="%s" y="%s" width="%s" height="%s" class="%s"%s/>`+"\n", pixels(x), pixels(y), pixels(w), pixels(h), d.fill(p), round)
}

// A pen is what lines are drawn with.
type pen struct {
	paint string
	width float64
	dash  string // lengths of strokes and gaps
	round bool   // ends, also of a stroke of no length: a dot
}

// lines draws lines, each through its points.
func (d *drawing) lines(p pen, lines ...[]vg.Point) {
	path := pathOf(lines)
	if path == "" {
		return
	}
	more := ""
	if p.dash != "" {
		more += ` stroke-dasharray="` + p.dash + `"`
	}
	if p.round {
		more += ` stroke-linecap="round"`
	}
	fmt.Fprintf(&d.body, `<path class="%s" stroke-width="%s"%s d="%s"/>`+"\n", d.stroke(p.paint), pixels(p.width), more, path)
}

// polygons fills areas.
func (d *drawing) polygons(p string, areas ...[]vg.Point) {
	if path := pathOf(areas); path != "" {
		// The class of the element beats the rule that keeps lines hollow.
		fmt.Fprintf(&d.body, `<path class="%s" d="%sZ"/>`+"\n", d.fill(p), strings.ReplaceAll(path, "M", "ZM")[1:])
	}
}

func pathOf(lines [][]vg.Point) string {
	var b strings.Builder
	for _, line := range lines {
		last := ""
		for i, p := range line {
			at := pixels(float64(p.X)) + " " + pixels(float64(p.Y))
			switch {
			case i == 0:
				b.WriteString("M" + at)
			case at != last || i == 1:
				b.WriteString("L" + at)
			}
			last = at
		}
	}
	return b.String()
}

// group puts what draw draws under a name, which is shown where a pointer rests on it.
func (d *drawing) group(name string, draw func()) {
	fmt.Fprintf(&d.body, "<g><title>%s</title>\n", escape(plain(name)))
	draw()
	d.body.WriteString("</g>\n")
}

// nest draws another drawing into a rectangle, as large as it can be there.
func (d *drawing) nest(inner *drawing, x, y, width, height float64) {
	fmt.Fprintf(&d.body, `<svg x="%s" y="%s" width="%s" height="%s" viewBox="0 0 %s %s" preserveAspectRatio="xMidYMid meet">`+"\n",
		pixels(x), pixels(y), pixels(width), pixels(height), pixels(inner.width), pixels(inner.height))
	d.body.Write(inner.body.Bytes())
	d.body.WriteString("</svg>\n")
	maps.Copy(d.used, inner.used)
}

// A label is what a picture says to those who do not see it.
type label struct {
	id                 string // of this picture among all of its page
	title, description string
}

// standalone writes a document of its own, with its style sheet.
func (d *drawing) standalone(w io.Writer, l label) error {
	var b bytes.Buffer
	d.open(&b, l, ` xmlns="http://www.w3.org/2000/svg"`)
	b.WriteString("<style>\n")
	style(&b, func(p string) bool { return d.used[p] }, "(prefers-color-scheme: dark)")
	b.WriteString("</style>\n")
	b.Write(d.body.Bytes())
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// inline is the picture for a page that has the style sheet of all paints.
func (d *drawing) inline(l label) string {
	var b bytes.Buffer
	d.open(&b, l, "")
	b.Write(d.body.Bytes())
	b.WriteString("</svg>\n")
	return b.String()
}

func (d *drawing) open(b *bytes.Buffer, l label, space string) {
	fmt.Fprintf(b, `<svg%s class="plot" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="%s-t %s-d">`+"\n",
		space, pixels(d.width), pixels(d.height), pixels(d.width), pixels(d.height), l.id, l.id)
	fmt.Fprintf(b, "<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n", l.id, escape(plain(l.title)), l.id, escape(plain(l.description)))
}

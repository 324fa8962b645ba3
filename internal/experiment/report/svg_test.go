package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A picture is what tests see of an SVG.
type picture struct {
	raw    string
	style  string
	text   string   // of all text elements, a line each
	titles string   // of all groups, a line each
	paths  []string // d of all paths
	rects  int
}

// read reads a standalone SVG, and reports what no picture may have.
func read(t *testing.T, raw string) picture {
	t.Helper()
	p := picture{raw: raw}
	ids := map[string]bool{}
	var refs []string
	var stack []string
	var width, height float64
	nested := 0
	for d := xml.NewDecoder(strings.NewReader(raw)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			at := map[string]string{}
			for _, a := range token.Attr {
				at[a.Name.Local] = a.Value
			}
			name := token.Name.Local
			switch {
			case name == "svg" && len(stack) == 0:
				if _, err := fmt.Sscan(at["viewBox"], new(float64), new(float64), &width, &height); err != nil {
					t.Fatal(err)
				}
				if token.Name.Space != "http://www.w3.org/2000/svg" || at["role"] != "img" || width <= 0 || height <= 0 {
					t.Errorf("root is %+v", token)
				}
			case name == "svg":
				nested++ // has an extent of its own
			case name == "path":
				p.paths = append(p.paths, at["d"])
			case name == "rect":
				p.rects++
			}
			if nested == 0 {
				inside(t, at, width, height)
			}
			if id, ok := at["id"]; ok {
				if ids[id] {
					t.Errorf("id %s is there twice", id)
				}
				ids[id] = true
			}
			refs = append(refs, strings.Fields(at["aria-labelledby"])...)
			for key, value := range at {
				if strings.Contains(value, "NaN") || strings.Contains(value, "Inf") || strings.Contains(value, "#") || key == "fill" || key == "stroke" || key == "style" {
					t.Errorf("%s has %s=%q", name, key, value)
				}
			}
			stack = append(stack, name)
		case xml.EndElement:
			if stack = stack[:len(stack)-1]; token.Name.Local == "svg" && len(stack) > 0 {
				nested--
			}
		case xml.CharData:
			switch in := stack[max(len(stack)-1, 0):]; {
			case len(in) == 0:
			case in[0] == "style":
				p.style += string(token)
			case in[0] == "text":
				p.text += string(token) + "\n"
			case in[0] == "title":
				p.titles += string(token) + "\n"
			}
		}
	}
	for _, ref := range refs {
		if !ids[ref] {
			t.Errorf("labelled by %s, which is not there", ref)
		}
	}
	light, dark, ok := strings.Cut(p.style, "@media (prefers-color-scheme: dark)")
	for _, class := range regexp.MustCompile(`class="((?:[fs]-)[a-z0-9-]+)`).FindAllStringSubmatch(raw, -1) {
		if rule := ".plot ." + class[1] + "{"; !ok || !strings.Contains(light, rule) || !strings.Contains(dark, rule) {
			t.Fatalf("%s has no colour on light or on dark paper", class[1])
		}
	}
	return p
}

// inside reports an element that leaves the picture.
func inside(t *testing.T, at map[string]string, width, height float64) {
	t.Helper()
	within := func(key string, v, limit float64) {
		if v < -0.5 || v > limit+0.5 {
			t.Errorf("%s = %v is out of the picture, %v × %v: %v", key, v, width, height, at["d"])
		}
	}
	for key, limit := range map[string]float64{"x": width, "y": height} {
		if text, ok := at[key]; ok {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Errorf("%s = %s", key, text)
			}
			within(key, v, limit)
		}
	}
	for _, pair := range regexp.MustCompile(`[ML](\S+) ([^MLZ]+)`).FindAllStringSubmatch(at["d"], -1) {
		x, errX := strconv.ParseFloat(pair[1], 64)
		y, errY := strconv.ParseFloat(pair[2], 64)
		if err := errors.Join(errX, errY); err != nil {
			t.Fatal(err)
		}
		within("x", x, width)
		within("y", y, height)
	}
}

func svgOf(t *testing.T, f Figure) picture {
	t.Helper()
	var b bytes.Buffer
	if err := f.SVG(&b); err != nil {
		t.Fatal(err)
	}
	return read(t, b.String())
}

// texts reports texts that do not fit, or that overlap, going by the widths of the fonts.
func texts(t *testing.T, raw string, width float64) {
	t.Helper()
	type box struct {
		x0, y0, x1, y1 float64
		text           string
	}
	var boxes []box
	for _, m := range regexp.MustCompile(`<text x="([^"]+)" y="([^"]+)" class="([^"]+)" font-size="([^"]+)"(?: text-anchor="([a-z]+)")?>([^<]*)<`).FindAllStringSubmatch(raw, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		y, _ := strconv.ParseFloat(m[2], 64)
		size, _ := strconv.ParseFloat(m[4], 64)
		var text string
		if err := xml.Unmarshal([]byte("<t>"+m[6]+"</t>"), &text); err != nil {
			t.Fatal(err)
		}
		wide := script{size: size, bold: strings.HasSuffix(m[3], " b"), mono: strings.HasSuffix(m[3], " m")}.gauge().of(text)
		switch m[5] {
		case middle:
			x -= wide / 2
		case right:
			x -= wide
		}
		if x < 0 || x+wide > width {
			t.Errorf("from %v to %v of %v: %s", x, x+wide, width, text)
		}
		b := box{x, y - 0.7*size, x + wide, y, text}
		for _, other := range boxes {
			if b.x0 < other.x1 && other.x0 < b.x1 && b.y0 < other.y1 && other.y0 < b.y1 {
				t.Errorf("%q is written over %q", b.text, other.text)
			}
		}
		boxes = append(boxes, b)
	}
}

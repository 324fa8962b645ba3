package report

import (
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
)

// A script is how a text is set.
type script struct {
	size float64
	bold bool
	mono bool
}

// gauge measures text in Liberation, whose widths are those of Helvetica and Courier.
func (s script) gauge() gauge {
	want := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if s.mono {
		want.Variant = "Mono"
	}
	if s.bold {
		want.Weight = xfont.WeightBold
	}
	face := font.NewCache(liberation.Collection()).Lookup(want, font.Length(s.size)).Face
	em := fixed.Int26_6(face.UnitsPerEm())
	known := map[rune]float64{}
	var buf sfnt.Buffer
	return func(r rune) float64 {
		if w, ok := known[r]; ok {
			return w
		}
		w := s.size // of a rune that another font must have
		if i, err := face.GlyphIndex(&buf, r); err == nil && i != 0 {
			if advance, err := face.GlyphAdvance(&buf, i, em, xfont.HintingNone); err == nil {
				w = float64(advance) / float64(em) * s.size
			}
		}
		known[r] = w
		return w
	}
}

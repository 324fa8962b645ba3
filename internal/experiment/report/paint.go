package report

import (
	"bytes"
	"fmt"
)

// A paint is a colour by what it is for, on light paper and on dark. In a picture it is a
// class, so that a style sheet says what it looks like, once for any number of pictures.
type paint struct {
	name        string
	light, dark string
	alpha       string // of both, if they let through what is behind them
}

// Paints of what frames the data.
const (
	paper = "paper" // behind everything
	ink   = "ink"
	soft  = "soft" // text that steps back
	axis  = "axis"
	grid  = "grid"
	shade = "shade" // of a phase
	edge  = "edge"  // of a phase
	hatch = "hatch" // over a state
	onBar = "onbar" // text on a state that is pale on light paper
	onDim = "ondim" // text on a state that is dark on light paper
)

// paints are all there are. Those of series follow Okabe and Ito, darkened until they stand
// out from white; those of states differ in lightness as well, and are drawn in other ways.
var paints = [...]paint{
	{name: paper, light: "#ffffff", dark: "#14181d"},
	{name: ink, light: "#1b1f24", dark: "#e6e9ed"},
	{name: soft, light: "#57606a", dark: "#a2abb5"},
	{name: axis, light: "#8c959f", dark: "#6e7781"},
	{name: grid, light: "#e4e8ec", dark: "#2a3138"},
	{name: shade, light: "#57606a", dark: "#a2abb5", alpha: "0.1"},
	{name: edge, light: "#c3cad1", dark: "#434b54"},
	{name: hatch, light: "#1b1f24", dark: "#14181d", alpha: "0.45"},
	{name: onBar, light: "#1b1f24", dark: "#14181d"},
	{name: onDim, light: "#ffffff", dark: "#14181d"},
	{name: "series-1", light: "#174d8c", dark: "#8cc4ff"},
	{name: "series-2", light: "#dd651b", dark: "#f08a4b"},
	{name: "series-3", light: "#12876a", dark: "#4fd0ab"},
	{name: "series-4", light: "#8c4a9e", dark: "#d49be6"},
	{name: "series-5", light: "#a87b00", dark: "#e8c14a"},
	{name: "series-6", light: "#3c4650", dark: "#c5ccd4"},
	{name: "series-7", light: "#c2356f", dark: "#ff8fb8"},
	{name: "series-8", light: "#7a4b2a", dark: "#d1a585"},
	{name: "good", light: "#7cc396", dark: "#4fae79"},
	{name: "bad", light: "#c23b34", dark: "#e8685f"},
	{name: "late", light: "#ee9a45", dark: "#f0a04b"},
	{name: "amber", light: "#f2c14e", dark: "#e9bd55"},
	{name: "refused", light: "#4a5560", dark: "#9aa5b1"},
	{name: "idle", light: "#b5bdc6", dark: "#68727d"},
	{name: "other", light: "#8c959f", dark: "#8c959f"},
	{name: "pass", light: "#116329", dark: "#6fdd8b"},
	{name: "fail", light: "#a40e26", dark: "#ff9a93"},
	{name: "doubt", light: "#7d4e00", dark: "#f0c35e"},
	{name: "rest", light: "#57606a", dark: "#a2abb5"},
}

// seriesPaints is how many series have a paint of their own.
const seriesPaints = 8

// series is the paint of the i-th series.
func series(i int) string { return fmt.Sprintf("series-%d", i%seriesPaints+1) }

// dashes is the pattern of the i-th series: with its paint it makes a series different from
// its neighbours without colour, and from the one that has its paint again.
func dashes(i int) string {
	patterns := [...]string{"", "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "1.5 2"}
	return patterns[i%len(patterns)]
}

// paint is that of an outcome.
func (o Outcome) paint() string {
	switch o {
	case Pass:
		return "pass"
	case Fail, couldNotRun:
		return "fail"
	case skipped:
		return "rest"
	default:
		return "doubt"
	}
}

// A look is how a state is drawn: by its paint, and by what is seen without it.
type look struct {
	paint  string
	text   string  // the paint of text on it
	height float64 // of the row
	hatch  bool
}

func lookOf(state string) look {
	switch state {
	case "ok", "closed":
		return look{"good", onBar, 1, false}
	case "error", "open":
		return look{"bad", onDim, 1, false}
	case "timeout":
		return look{"late", onBar, 1, true}
	case "half-open":
		return look{"amber", onBar, 1, true}
	case "rejected":
		return look{"refused", onDim, 0.55, false}
	case "canceled":
		return look{"idle", onBar, 1, true}
	case "wait":
		return look{"idle", onBar, 0.22, false}
	default:
		return look{"other", onBar, 0.8, false}
	}
}

// fontStack is what pictures are written in. All have the widths of Liberation Sans, by
// which texts are measured.
const fontStack = `"Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif`

// style writes the style sheet of pictures that use some paints. dark is the media query
// of dark paper.
func style(b *bytes.Buffer, used func(string) bool, dark string) {
	rules := func(colour func(paint) string) {
		for _, p := range paints {
			if !used(p.name) {
				continue
			}
			fmt.Fprintf(b, ".plot .f-%s{fill:%s}.plot .s-%s{stroke:%s}\n", p.name, colour(p), p.name, colour(p))
		}
	}
	fmt.Fprintf(b, ".plot{max-width:100%%;height:auto}.plot text{font-family:%s;font-variant-numeric:tabular-nums}.plot .b{font-weight:700}.plot .m{font-family:ui-monospace,Menlo,Consolas,\"Liberation Mono\",monospace}\n", fontStack)
	b.WriteString(".plot path{fill:none;stroke-linejoin:round}\n")
	rules(func(p paint) string { return p.light })
	for _, p := range paints {
		if p.alpha != "" && used(p.name) {
			fmt.Fprintf(b, ".plot .f-%s{fill-opacity:%s}.plot .s-%s{stroke-opacity:%s}\n", p.name, p.alpha, p.name, p.alpha)
		}
	}
	fmt.Fprintf(b, "@media %s{\n", dark)
	rules(func(p paint) string { return p.dark })
	b.WriteString("}\n")
}

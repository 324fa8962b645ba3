package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"time"

	"reliability/internal/experiment/stat"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// page writes results as one page that needs nothing else to be read: no network, no script.
// It is for wide screens and phones, light and dark, and for paper, and links to the other
// files of [Write].
func page(w io.Writer, results []Result) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"glyph": Outcome.glyph, "paint": Outcome.paint, "p": Verdict.pValue, "power": Verdict.power,
		"number": number, "duration": duration, "plural": plural,
		"thousands": func(n int) string { return thousands(strconv.Itoa(n)) },
		"card":      cardFile, "figureFile": figureFile,
		"alpha": func() string { return probability(stat.Alpha) },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, viewOf(results)); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// A view is what the page's template sees.
type view struct {
	CSS    template.CSS
	Tally  Tally
	Ended  Outcome
	World  string
	Seeds  string
	Began  string
	Calls  int
	Took   time.Duration
	Result []resultView
}

// A resultView is one experiment in it.
type resultView struct {
	Result
	ID     string // its anchor
	Ended  Outcome
	Counts string
	Plots  []plotView
}

// A plotView is one figure in it.
type plotView struct {
	Figure
	SVG template.HTML
}

func viewOf(results []Result) view {
	var css bytes.Buffer
	css.WriteString(pageCSS)
	// On paper pictures are light, whatever the screen is.
	style(&css, func(string) bool { return true }, "screen and (prefers-color-scheme: dark)")
	v := view{
		CSS:   template.CSS(css.String()), //nolint:gosec // from files of this package
		Tally: Count(results), Ended: wholeOf(results),
		World: worlds(results), Seeds: seedList(results), Calls: calls(results), Took: elapsed(results),
	}
	anchors := map[string]bool{}
	for i, r := range results {
		id := slug(r.Name)
		if id == "" || anchors[id] {
			id = fmt.Sprintf("%s-%d", id, i+1)
		}
		anchors[id] = true
		rv := resultView{Result: r, ID: id, Ended: r.ended(), Counts: r.counts()}
		for n, f := range r.Figures {
			svg := f.draw(wide()).inline(f.label(fmt.Sprintf("figure-%d-%d", i+1, n+1)))
			rv.Plots = append(rv.Plots, plotView{f, template.HTML(svg)}) //nolint:gosec // drawn here, with every text escaped
		}
		v.Result = append(v.Result, rv)
		if v.Began == "" && !r.Began.IsZero() {
			v.Began = r.Began.UTC().Format("2006-01-02 15:04 UTC")
		}
	}
	return v
}

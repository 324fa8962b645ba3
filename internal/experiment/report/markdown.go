package report

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"reliability/internal/experiment/stat"
)

// Options are what a page in Markdown says besides results.
type Options struct {
	Intro   string // Markdown, after the heading
	Figures string // the folder of the SVG files, relative to the page
	Command string // that writes the page
}

// Markdown writes results as a page of docs/. It has no times in it: run again with the
// same seed it is the same page, but for what may vary.
func Markdown(w io.Writer, results []Result, o Options) error {
	if err := check(results); err != nil {
		return err
	}
	m := markdown{folder: o.Figures}
	m.printf("# Experiments\n\n")
	if o.Intro != "" {
		m.printf("%s\n\n", strings.TrimSpace(o.Intro))
	}
	m.printf("This page is written by %s, from what that measured and from nothing else: ", code(o.Command))
	m.printf("%s, %s, %s.\n\n", markup(seeds(results)), markup(worlds(results)), plural(calls(results), "call"))
	m.printf("%s. Every verdict is judged at α = %s.\n\n", Count(results), probability(stat.Alpha))
	m.overview(results)
	for _, r := range results {
		m.section(r)
	}
	_, err := w.Write(append(bytes.TrimRight(m.Bytes(), "\n"), '\n'))
	return err
}

// A markdown page is being written.
type markdown struct {
	bytes.Buffer
	folder string
}

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(&m.Buffer, format, args...) }

// paragraph writes text under a heading of its own, in the same line.
func (m *markdown) paragraph(head, text string) {
	if text = markup(text); text != "" {
		m.printf("**%s** %s\n\n", head, text)
	}
}

func (m *markdown) overview(results []Result) {
	rows := [][]string{{"experiment", "claim", "verdicts", "outcome"}}
	for _, r := range results {
		rows = append(rows, []string{"[" + markup(r.Name) + "](#" + slug(r.Name) + ")", markup(r.Claim), r.counts(), outcomeMark(r.ended())})
	}
	m.table(rows)
}

func outcomeMark(o Outcome) string {
	if o == Pass {
		return o.glyph() + " " + string(o)
	}
	return o.glyph() + " **" + markup(string(o)) + "**"
}

func (m *markdown) section(r Result) {
	m.printf("## %s\n\n", markup(r.Name))
	m.paragraph("Claim.", r.Claim)
	m.paragraph("Lesson.", r.Lesson)
	m.paragraph("Negative control.", r.Negative)
	m.paragraph("Skipped.", r.Skipped)
	m.paragraph("Could not run.", r.Err)
	m.list("Set-up", r.Setup)
	m.verdicts(r.Verdicts)
	for _, f := range r.Figures {
		m.printf("![%s](%s)\n\n", markup(f.Title), path.Join(m.folder, figureFile(r, f)))
		m.paragraph("Figure.", f.Caption)
	}
	m.measured(r.Measured)
	m.list("What may vary", r.Varies)
	if command := plain(r.Repeat); command != "" {
		m.printf("```sh\n%s\n```\n\n", strings.ReplaceAll(command, "```", "` ` `"))
	}
}

func (m *markdown) list(head string, lines []string) {
	if len(lines) == 0 {
		return
	}
	m.printf("%s:\n\n", head)
	for _, line := range lines {
		m.printf("* %s\n", markup(line))
	}
	m.printf("\n")
}

func (m *markdown) verdicts(list []Verdict) {
	if len(list) == 0 {
		return
	}
	rows := [][]string{{"verdict", "claim", "expected", "seen", "test", "p", "power", "outcome"}}
	for _, v := range list {
		rows = append(rows, []string{markup(v.Name), markup(v.Claim), markup(v.Expected), markup(v.Seen), markup(v.Test), v.pValue(), v.power(), outcomeMark(v.Outcome)})
	}
	m.table(rows)
	for _, v := range list {
		if v.Why != "" {
			m.paragraph(markup(v.Name)+", "+string(v.Outcome)+":", v.Why)
		}
	}
}

func (m *markdown) measured(list []Measure) {
	if len(list) == 0 {
		return
	}
	rows := [][]string{{"measured", "value", "unit"}}
	for _, v := range list {
		rows = append(rows, []string{markup(v.Name), number(v.Value), markup(v.Unit)})
	}
	m.table(rows)
}

// table writes rows, of which the first is the header, so that they are readable as they
// stand; but not at the price of cells with nothing but room in them.
func (m *markdown) table(rows [][]string) {
	const widest = 40
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = min(max(width[i], utf8.RuneCountInString(cell), 3), widest)
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			m.printf("| %s%s ", cell, strings.Repeat(" ", max(0, width[i]-utf8.RuneCountInString(cell))))
		}
		m.printf("|\n")
		if n == 0 {
			for _, w := range width {
				m.printf("| %s ", strings.Repeat("-", w))
			}
			m.printf("|\n")
		}
	}
	m.printf("\n")
}

// markup is text as Markdown that shows it as it is, in a cell as well.
func markup(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "$", `\$`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;",
	).Replace(plain(s))
}

// code is text in a line of code.
func code(s string) string {
	s = plain(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

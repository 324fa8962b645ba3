package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"reliability/internal/experiment/stat"
)

// tableWidth is what the table fits, whatever the texts are.
const tableWidth = 100

// Table writes what is read at the end of a run: a block for each experiment, and a line
// that sums up. It is coloured if w is a terminal, unless noColor forbids it.
func Table(w io.Writer, results []Result, noColor bool) error {
	file, ok := w.(*os.File)
	t := table{colour: ok && !noColor && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))}
	return t.write(w, results)
}

// A table is being written.
type table struct {
	bytes.Buffer
	colour bool
}

func (t *table) write(w io.Writer, results []Result) error {
	for _, r := range results {
		t.block(r)
	}
	t.paragraph("", "", Count(results).String())
	t.paragraph("", "", fmt.Sprintf("%s, %s in %s", seeds(results), plural(calls(results), "call"), duration(elapsed(results))))
	_, err := w.Write(t.Bytes())
	return err
}

// block writes one experiment.
func (t *table) block(r Result) {
	ended := r.ended()
	right := fmt.Sprintf("%s, seed %d, %s in %s", plain(r.World), r.Seed, plural(r.Calls, "call"), duration(r.Took))
	if ended == skipped {
		right = plain(r.World)
	}
	right = gauge(columns).cut(right, 60)
	left := gauge(columns).cut(r.Name, tableWidth-gauge(columns).of(right)-22)
	head := fmt.Sprintf("%s %s: %s", ended.glyph(), left, ended)
	space := strings.Repeat(" ", int(tableWidth-gauge(columns).of(head)-gauge(columns).of(right)))
	t.line(t.paint(ended, head) + space + t.dim(right))
	t.paragraph("  ", "", r.Claim)
	if r.Negative != "" {
		t.paragraph("  ", "negative control: ", r.Negative)
	}
	if ended == skipped {
		t.paragraph("  ", "skipped: ", r.Skipped)
	}
	if r.Err != "" {
		t.paragraph("  ", "error: ", r.Err)
		t.command("  repeat: ", r.Repeat)
	}
	if len(r.Verdicts) > 0 {
		t.line(t.dim(strings.TrimRight(rowOf("verdict", "expected", "measured", "outcome"), " ")))
	}
	for _, v := range r.Verdicts {
		t.verdict(v)
	}
	for _, v := range r.Verdicts {
		if v.Outcome != Pass {
			t.trouble(r, v)
		}
	}
	t.line("")
}

// The columns of a verdict: with two spaces before each they are as wide as the table.
const (
	nameWidth     = 20
	expectedWidth = 31
	seenWidth     = 27
	outcomeWidth  = 14
)

func rowOf(name, expected, seen, outcome string) string {
	return "  " + pad(name, nameWidth) + "  " + pad(expected, expectedWidth) + "  " + pad(seen, seenWidth) + "  " + outcome
}

func pad(s string, room int) string {
	return s + strings.Repeat(" ", max(0, room-int(gauge(columns).of(s))))
}

// verdict writes a row, in as many lines as its longest cell needs.
func (t *table) verdict(v Verdict) {
	g := gauge(columns)
	name, expected, seen := g.wrap(v.Name, nameWidth), g.wrap(v.Expected, expectedWidth), g.wrap(v.Seen, seenWidth)
	for i := range max(len(name), len(expected), len(seen), 1) {
		outcome := ""
		if i == 0 {
			outcome = g.cut(v.Outcome.glyph()+" "+string(v.Outcome), outcomeWidth)
		}
		row := rowOf(at(name, i), at(expected, i), at(seen, i), t.paint(v.Outcome, outcome))
		t.line(strings.TrimRight(row, " "))
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// trouble says everything of a verdict that did not pass, and how to see it again.
func (t *table) trouble(r Result, v Verdict) {
	t.line("")
	t.paragraph("  ", v.Outcome.glyph()+" "+plain(v.Name)+": ", v.Claim)
	if v.Why != "" {
		t.paragraph("    ", "because   ", v.Why)
	}
	t.paragraph("    ", "expected  ", v.Expected)
	t.paragraph("    ", "seen      ", v.Seen)
	t.paragraph("    ", "test      ", v.judged())
	t.command("    repeat    ", r.Repeat)
}

// command writes a command that stays one when it is copied, also over several lines.
func (t *table) command(head, command string) {
	lines := gauge(columns).wrap(command, tableWidth-float64(len(head))-2)
	for i, line := range lines {
		if i < len(lines)-1 {
			line += ` \`
		}
		t.line(head + line)
		head = strings.Repeat(" ", len(head))
	}
}

// judged says how a verdict was reached.
func (v Verdict) judged() string {
	switch {
	case !v.chance():
		return v.Test + "; no chance in it"
	case v.Outcome == Fail:
		return fmt.Sprintf("%s; p = %s, below α = %s", v.Test, v.pValue(), probability(stat.Alpha))
	default:
		return fmt.Sprintf("%s; p = %s, α = %s", v.Test, v.pValue(), probability(stat.Alpha))
	}
}

// paragraph writes wrapped text; what follows the first line stands under its beginning.
func (t *table) paragraph(indent, head, text string) {
	hang := indent
	if room := gauge(columns).of(head); room <= 12 {
		hang += strings.Repeat(" ", int(room))
	} else {
		hang, text, head = hang+"  ", head+text, ""
	}
	for i, line := range gauge(columns).wrap(text, tableWidth-gauge(columns).of(hang)) {
		if i == 0 {
			t.line(indent + head + line)
		} else {
			t.line(hang + line)
		}
	}
}

func (t *table) line(s string) { fmt.Fprintln(&t.Buffer, s) }

// paint colours what says an outcome.
func (t *table) paint(o Outcome, s string) string {
	code := "33" // yellow
	switch o {
	case Pass:
		code = "32"
	case Fail, couldNotRun:
		code = "1;31"
	case skipped:
		code = "2"
	}
	return t.escape(code, s)
}

func (t *table) dim(s string) string { return t.escape("2", s) }

func (t *table) escape(code, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

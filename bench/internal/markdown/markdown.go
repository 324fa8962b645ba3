// Package markdown is what the pages of this module have in common.
package markdown

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
)

// A Table is one of Markdown that is readable as it stands.
type Table struct {
	Header []string
	Right  []bool // which columns are numbers
	rows   [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *Table) String() string {
	width := make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell), 2)
		}
	}
	var b strings.Builder
	write := func(row []string) {
		for i, cell := range row {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if t.Right[i] {
				cell = space + cell
			} else {
				cell += space
			}
			fmt.Fprintf(&b, "| %s ", cell)
		}
		b.WriteString("|\n")
	}
	write(t.Header)
	rule := make([]string, len(t.Header))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
		if t.Right[i] {
			rule[i] = strings.Repeat("-", width[i]-1) + ":"
		}
	}
	write(rule)
	for _, row := range t.rows {
		write(row)
	}
	return b.String()
}

// What a page says of a requirement.
const (
	Pass = "✓ pass"
	Miss = "✗ **miss**"
)

// Mark says whether a requirement is met.
func Mark(ok bool) string {
	if ok {
		return Pass
	}
	return Miss
}

// Requirements are what is required, and whether each is met.
type Requirements struct {
	rows   [][]string
	missed bool
}

// Add adds a requirement, with what was measured.
func (r *Requirements) Add(what, required, measured string, met bool) {
	r.rows = append(r.rows, []string{what, required, measured, Mark(met)})
	r.missed = r.missed || !met
}

// Met reports whether every one is met.
func (r *Requirements) Met() bool { return !r.missed }

func (r *Requirements) String() string {
	t := Table{Header: []string{"", "required", "measured", ""}, Right: []bool{false, false, true, false}, rows: r.rows}
	return t.String()
}

// Page writes data into a page's template.
func Page(text string, funcs template.FuncMap, data any) ([]byte, error) {
	t, err := template.New("page").Funcs(funcs).Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Milliseconds is a duration in a cell.
func Milliseconds(d time.Duration) string { return fmt.Sprintf("%.3f ms", d.Seconds()*1000) }

// Mebibytes is a number of bytes in a cell.
func Mebibytes(b uint64) string { return fmt.Sprintf("%.1f", float64(b)/(1<<20)) }

// Times is a ratio in a cell.
func Times(ratio float64) string { return fmt.Sprintf("%.3f×", ratio) }

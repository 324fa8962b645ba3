// Package markdown is what the pages of this module have in common.
package markdown

import (
	"fmt"
	"strings"
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

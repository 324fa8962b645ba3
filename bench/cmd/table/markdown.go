package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A table is one of Markdown that is readable as it stands.
type table struct {
	header []string
	right  []bool // which columns are numbers
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	width := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell), 2)
		}
	}
	var b strings.Builder
	write := func(row []string) {
		for i, cell := range row {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				cell = space + cell
			} else {
				cell += space
			}
			fmt.Fprintf(&b, "| %s ", cell)
		}
		b.WriteString("|\n")
	}
	write(t.header)
	rule := make([]string, len(t.header))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
		if t.right[i] {
			rule[i] = strings.Repeat("-", width[i]-1) + ":"
		}
	}
	write(rule)
	for _, row := range t.rows {
		write(row)
	}
	return b.String()
}

// figure writes a number with about three digits.
func figure(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func times(ratio float64) string {
	if ratio < 0.1 {
		return fmt.Sprintf("%.3f×", ratio)
	}
	return fmt.Sprintf("%.2f×", ratio)
}

package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"text/template"

	"reliability/bench/internal/markdown"
)

//go:embed page.md.tmpl
var pageTemplate string

// tables are the comparisons alone, for the terminal.
func tables(r *results) string {
	var parts []string
	for _, c := range comparisons() {
		if len(r.of(c.Name)) > 0 {
			parts = append(parts, fmt.Sprintf("%s\n\n%s", c.Name, c.table(r)))
		}
	}
	return strings.Join(parts, "\n")
}

// table is a comparison's.
func (c comparison) table(r *results) string {
	t := markdown.Table{
		Header: []string{"", "ns/op", "±", "B/op", "allocs/op", "× " + c.Yardstick},
		Right:  []bool{false, true, true, true, true, true},
	}
	yardstick := r.line(c.Name, c.Yardstick)
	for _, l := range r.of(c.Name) {
		time, ratio := l.time(), ""
		if yardstick != nil {
			ratio = times(l.ratio(yardstick))
		}
		t.Add(l.contender, figure(time.Center), time.PctRangeString(), fmt.Sprintf("%.0f", l.size()), fmt.Sprint(l.allocated()), ratio)
	}
	for _, row := range r.absent(c.Name) {
		t.Add(row[0], row[1], "", "", "", "")
	}
	return t.String()
}

func writePage(file string, r *results) error {
	text, err := page(r)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // a page for everybody to read
}

func page(r *results) ([]byte, error) {
	return markdown.Page(pageTemplate, template.FuncMap{
		"config":       func(key string) string { return r.config[key] },
		"version":      func(p participant) string { return r.config["module/"+p.Module] },
		"measured":     func(c comparison) bool { return len(r.of(c.Name)) > 0 },
		"table":        func(c comparison) string { return c.table(r) },
		"participants": participants,
		"comparisons":  comparisons,
		"verdicts":     func() string { return verdictTable(r) },
		"faster":       func() []string { return faster(r) },
		"runs":         r.runs,
	}, nil)
}

// faster lists where a peer's median is below one of ours.
func faster(r *results) (list []string) {
	for _, c := range comparisons() {
		for _, mine := range r.of(c.Name) {
			var better []string
			for _, l := range r.of(c.Name) {
				if own(mine.contender) && peer(l.contender) && l.time().Center < mine.time().Center {
					better = append(better, fmt.Sprintf("%s (%s ns)", l.contender, figure(l.time().Center)))
				}
			}
			if better != nil {
				list = append(list, fmt.Sprintf("`%s` (%s ns): %s", mine.name(), figure(mine.time().Center), strings.Join(better, ", ")))
			}
		}
	}
	return list
}

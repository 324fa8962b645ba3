package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"text/template"
	"time"

	"reliability/bench/internal/markdown"
)

//go:embed page.md.tmpl
var pageTemplate string

// What is required.
const (
	leastRatio  = 0.85
	mostControl = 50 * time.Millisecond // and less than that
)

// verdicts are the requirements, and whether each is met.
func (r *report) verdicts() (table string, ok bool) {
	t := markdown.Table{Header: []string{"", "required", "measured", ""}, Right: []bool{false, false, true, false}}
	ok = true
	add := func(what, required, measured string, met bool) {
		t.Add(what, required, measured, markdown.Mark(met))
		ok = ok && met
	}
	add("throughput, lower bound", fmt.Sprintf("≥ %.2f× bare", leastRatio), fmt.Sprintf("%.3f×", r.Ratio.Low), r.Ratio.Low >= leastRatio)
	add("control API while requests hang, maximum", fmt.Sprintf("< %v", mostControl), milliseconds(r.Control.Max), r.Control.Max < mostControl)
	add("goroutines after the clients have gone", fmt.Sprintf("≤ %d within %v", r.mostGoroutines(), backAfter), fmt.Sprint(r.After.Goroutines), r.back(r.After))
	return t.String(), ok
}

func (r *report) ok() bool {
	_, ok := r.verdicts()
	return ok
}

func (r *report) throughputTable() string {
	t := markdown.Table{Header: []string{"", "answers/s", "flaky/bare", "lower bound"}, Right: []bool{false, true, true, true}}
	t.Add("flaky", fmt.Sprintf("%.0f", median(r.Flaky)), fmt.Sprintf("%.3f×", r.Ratio.Mean), fmt.Sprintf("%.3f×", r.Ratio.Low))
	t.Add("bare", fmt.Sprintf("%.0f", median(r.Bare)), "", "")
	return t.String()
}

func (r *report) controlTable() string {
	t := markdown.Table{Header: []string{"GET /faults", "median", "p99", "maximum"}, Right: []bool{false, true, true, true}}
	add := func(when string, q quantiles) {
		t.Add(when, milliseconds(q.Median), milliseconds(q.P99), milliseconds(q.Max))
	}
	add("nothing hangs", r.Idle)
	add(fmt.Sprintf("%d requests hang", r.Hanging), r.Control)
	return t.String()
}

func (r *report) processTable() string {
	t := markdown.Table{Header: []string{"flaky's process", "hanging", "goroutines", "heap, MiB", "stacks, MiB"}, Right: []bool{false, true, true, true, true}}
	add := func(when string, s stats) {
		t.Add(when, fmt.Sprint(s.Hanging), fmt.Sprint(s.Goroutines), mebibytes(s.Heap), mebibytes(s.Stacks))
	}
	add("before", r.Before)
	add("during", r.During)
	add(fmt.Sprintf("%.1f s after the clients have gone", r.Back.Seconds()), r.After)
	return t.String()
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.3f ms", d.Seconds()*1000) }
func mebibytes(b uint64) string           { return fmt.Sprintf("%.1f", float64(b)/(1<<20)) }

// text is the report for the terminal.
func (r *report) text() string {
	verdicts, _ := r.verdicts()
	return fmt.Sprintf("%s\n%s\n%s\n%s", r.throughputTable(), r.controlTable(), r.processTable(), verdicts)
}

// write writes the report as a page.
func (r *report) write(file string) error {
	text, err := r.page()
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // a page for everybody to read
}

func (r *report) page() ([]byte, error) {
	verdicts, _ := r.verdicts()
	t, err := template.New("page").Funcs(template.FuncMap{
		"command": r.command, "file": func() string { return r.file }, "date": func() string { return r.Date.Format(time.DateOnly) },
		"verdicts": func() string { return verdicts }, "throughput": r.throughputTable, "control": r.controlTable, "process": r.processTable,
		"controls": func() int { return controls }, "document": func() string { return hangDocument },
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

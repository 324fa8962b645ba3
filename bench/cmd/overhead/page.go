package main

import (
	_ "embed"
	"fmt"
	"text/template"
	"time"

	"reliability/bench/internal/markdown"
	"reliability/bench/internal/statistics"
)

//go:embed page.md.tmpl
var pageTemplate string

// What is required.
const (
	leastRatio  = 0.85
	mostControl = 50 * time.Millisecond // and less than that
)

// verdicts are the requirements, and whether each is met.
func (r *report) verdicts() *markdown.Requirements {
	q := &markdown.Requirements{}
	q.Add("throughput, lower bound", fmt.Sprintf("≥ %.2f× bare", leastRatio), markdown.Times(r.Throughput.Ratio.Low), r.Throughput.Ratio.Low >= leastRatio)
	q.Add("control API while requests hang, maximum", fmt.Sprintf("< %v", mostControl), markdown.Milliseconds(r.Control.Max), r.Control.Max < mostControl)
	q.Add("goroutines after the clients have gone", fmt.Sprintf("≤ %d within %v", r.mostGoroutines(), backAfter), fmt.Sprint(r.After.Goroutines), r.back(r.After))
	return q
}

// Met implements [command.Report].
func (r *report) Met() bool { return r.verdicts().Met() }

// File implements [command.Report].
func (r *report) File() string { return r.file }

func (r *report) throughputTable() string {
	t := markdown.Table{Header: []string{"", "answers/s", "flaky/bare", "lower bound"}, Right: []bool{false, true, true, true}}
	t.Add("flaky", fmt.Sprintf("%.0f", statistics.Median(r.Throughput.One)), markdown.Times(r.Throughput.Ratio.Mean), markdown.Times(r.Throughput.Ratio.Low))
	t.Add("bare", fmt.Sprintf("%.0f", statistics.Median(r.Throughput.Other)), "", "")
	return t.String()
}

func (r *report) controlTable() string {
	t := markdown.Table{Header: []string{"GET /faults", "median", "p99", "maximum"}, Right: []bool{false, true, true, true}}
	add := func(when string, q statistics.Quantiles) {
		t.Add(when, markdown.Milliseconds(q.Median), markdown.Milliseconds(q.P99), markdown.Milliseconds(q.Max))
	}
	add("nothing hangs", r.Idle)
	add(fmt.Sprintf("%d requests hang", r.Hanging), r.Control)
	return t.String()
}

func (r *report) processTable() string {
	t := markdown.Table{Header: []string{"flaky's process", "hanging", "goroutines", "heap, MiB", "stacks, MiB"}, Right: []bool{false, true, true, true, true}}
	add := func(when string, s stats) {
		t.Add(when, fmt.Sprint(s.Hanging), fmt.Sprint(s.Goroutines), markdown.Mebibytes(s.Heap), markdown.Mebibytes(s.Stacks))
	}
	add("before", r.Before)
	add("during", r.During)
	add(fmt.Sprintf("%.1f s after the clients have gone", r.Back.Seconds()), r.After)
	return t.String()
}

// Text implements [command.Report].
func (r *report) Text() string {
	return fmt.Sprintf("%s\n%s\n%s\n%s", r.throughputTable(), r.controlTable(), r.processTable(), r.verdicts())
}

// Page implements [command.Report].
func (r *report) Page() ([]byte, error) {
	return markdown.Page(pageTemplate, template.FuncMap{
		"command": r.command, "file": r.File, "setting": r.Describe,
		"verdicts": r.verdicts, "throughput": r.throughputTable, "control": r.controlTable, "process": r.processTable,
		"controls": func() int { return controls }, "document": func() string { return hangDocument },
	}, r)
}

package main

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"reliability/bench/internal/markdown"
)

//go:embed page.md.tmpl
var pageTemplate string

// What is required.
const (
	leastRatio    = 0.9 // in caller's own mode of connections
	leastPooled   = 0.8 // where there is no dial beside which the rest is small
	mostSlower    = 1.25
	mostPerReader = 64.0 // KiB
	mostKept      = 4.0  // KiB for each reader that has left
)

// verdicts are the requirements, and whether each is met.
func (r *report) verdicts() *markdown.Requirements {
	q := &markdown.Requirements{}
	for _, t := range r.Throughput {
		q.Add("throughput, "+t.Mode.Name+", lower bound", fmt.Sprintf("≥ %.2f× plain", t.Mode.least),
			markdown.Times(t.Ratio.Low), t.Ratio.Low >= t.Mode.least)
	}
	w := r.Watched
	within := fmt.Sprintf("within %v", backAfter)
	q.Add("median of calls with readers, 95 % interval", fmt.Sprintf("ends at ≤ %.2f× without", mostSlower), interval(w.Median), w.Median.To <= mostSlower)
	q.Add("p99 of calls with readers, 95 % interval", fmt.Sprintf("begins at ≤ %.2f× without", mostSlower), interval(w.P99), w.P99.From <= mostSlower)
	q.Add("readers that read, and were dropped", "0", fmt.Sprint(w.Lost), w.Lost == 0)
	q.Add("heap and stacks for each reader", fmt.Sprintf("≤ %.0f KiB", mostPerReader), kibibytes(w.cost()), w.cost() <= mostPerReader)
	q.Add("heap for each reader that has left", fmt.Sprintf("≤ %.0f KiB", mostKept), kibibytes(w.kept()), w.kept() <= mostKept)
	q.Add("goroutines after readers", fmt.Sprintf("≤ %d %s", mostGoroutines(w.Before.Goroutines), within),
		fmt.Sprint(w.After.Goroutines), w.After.Goroutines <= mostGoroutines(w.Before.Goroutines))

	s := r.Soaked
	goroutines, files, unanswered, grown := 0, 0, 0, []string{}
	for _, m := range s.Rounds {
		goroutines, files = max(goroutines, m.After.Goroutines), max(files, m.After.Files)
		unanswered += m.Withheld + m.Outcomes[noAnswer]
		if !heapOf(m.Samples).flat() {
			grown = append(grown, m.Upstream+" ("+m.Pipeline+")")
		}
	}
	q.Add("goroutines after each broken upstream", fmt.Sprintf("≤ %d %s", mostGoroutines(s.Baseline.Goroutines), within),
		fmt.Sprint(goroutines), goroutines <= mostGoroutines(s.Baseline.Goroutines))
	q.Add("open files after each broken upstream", fmt.Sprintf("≤ %d %s", mostFiles(s.Baseline.Files), within),
		fmt.Sprint(files), files <= mostFiles(s.Baseline.Files))
	q.Add("rounds in which the heap grows", "0", strings.Join(append([]string{fmt.Sprint(len(grown))}, grown...), ", "), len(grown) == 0)
	q.Add("calls not made, or not answered", "0", fmt.Sprint(unanswered), unanswered == 0)
	return q
}

// Met implements [command.Report].
func (r *report) Met() bool { return r.verdicts().Met() }

// File implements [command.Report].
func (r *report) File() string { return r.file }

// Text implements [command.Report].
func (r *report) Text() string {
	parts := []string{
		r.throughputTable(), r.latencyTable(), r.memoryTable(), r.outcomeTable(), r.soakTable(), r.sampleTable(), r.verdicts().String(),
	}
	return strings.Join(parts, "\n")
}

// Page implements [command.Report].
func (r *report) Page() ([]byte, error) {
	return markdown.Page(pageTemplate, template.FuncMap{
		"command": func() string { return "go run ./cmd/" + name + " " + r.flags() }, "file": r.File, "setting": r.Describe,
		"verdicts": r.verdicts, "throughput": r.throughputTable, "latency": r.latencyTable, "memory": r.memoryTable,
		"outcomes": r.outcomeTable, "soak": r.soakTable, "samples": r.sampleTable, "upstreams": upstreams,
		"slack": func() int { return slack >> 10 }, "inFlight": func() int { return inFlight },
	}, r)
}

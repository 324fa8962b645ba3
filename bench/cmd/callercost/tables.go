package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"reliability/bench/internal/markdown"
	"reliability/bench/internal/process"
	"reliability/bench/internal/statistics"
)

func (r *report) throughputTable() string {
	t := markdown.Table{
		Header: []string{"connections", "caller, calls/s", "plain, calls/s", "caller/plain", "median", "lower bound"},
		Right:  []bool{false, true, true, true, true, true},
	}
	for _, m := range r.Throughput {
		t.Add(m.Mode.Name, fmt.Sprintf("%.0f", statistics.Median(m.One)), fmt.Sprintf("%.0f", statistics.Median(m.Other)),
			markdown.Times(m.Ratio.Mean), markdown.Times(m.Ratio.Median), markdown.Times(m.Ratio.Low))
	}
	return t.String()
}

func (r *report) latencyTable() string {
	t := markdown.Table{Header: []string{"GET /call", "median", "p99", "maximum"}, Right: []bool{false, true, true, true}}
	add := func(when string, q statistics.Quantiles) {
		t.Add(when, markdown.Milliseconds(q.Median), markdown.Milliseconds(q.P99), markdown.Milliseconds(q.Max))
	}
	w := r.Watched
	add("without readers", w.Alone)
	add(fmt.Sprintf("with %d readers", r.Readers), w.Read)
	t.Add("ratio of the pairs", markdown.Times(w.Median.Mean), markdown.Times(w.P99.Mean), "")
	t.Add("95 % interval of it", interval(w.Median), interval(w.P99), "")
	return t.String()
}

func (r *report) memoryTable() string {
	t := markdown.Table{
		Header: []string{"caller's process", "goroutines", "open files", "heap, MiB", "stacks, MiB"},
		Right:  []bool{false, true, true, true, true},
	}
	for _, row := range []struct {
		when string
		process.Stats
	}{{"before the readers", r.Watched.Before}, {"with them", r.Watched.During}, {"after", r.Watched.After}} {
		t.Add(row.when, fmt.Sprint(row.Goroutines), fmt.Sprint(row.Files), markdown.Mebibytes(row.Heap), markdown.Mebibytes(row.Stacks))
	}
	return t.String()
}

// outcomeTable has a column for each outcome that there was.
func (r *report) outcomeTable() string {
	seen := map[string]bool{}
	for _, m := range r.Soaked.Rounds {
		for what := range m.Outcomes {
			seen[what] = true
		}
	}
	outcomes := slices.Sorted(maps.Keys(seen))
	t := roundsTable(append([]string{"calls"}, append(outcomes, "not made")...)...)
	for _, m := range r.Soaked.Rounds {
		calls := 0
		var cells []string
		for _, what := range outcomes {
			calls += m.Outcomes[what]
			cells = append(cells, fmt.Sprint(m.Outcomes[what]))
		}
		t.Add(append(append([]string{m.Upstream, m.Pipeline, fmt.Sprint(calls)}, cells...), fmt.Sprint(m.Withheld))...)
	}
	return t.String()
}

// roundsTable has a row for each round, and columns of figures.
func roundsTable(columns ...string) *markdown.Table {
	return &markdown.Table{
		Header: append([]string{"upstream", "pipeline"}, columns...),
		Right:  append([]bool{false, false}, slices.Repeat([]bool{true}, len(columns))...),
	}
}

func (r *report) soakTable() string {
	t := roundsTable("goroutines", "after", "open files", "after", "heap, MiB", "at most", "later", "grows", "after, MiB", "back in")
	b := r.Soaked.Baseline
	t.Add("*at rest*", "", fmt.Sprint(b.Goroutines), "", fmt.Sprint(b.Files), "", markdown.Mebibytes(b.Heap), "", "", "", "", "")
	for _, m := range r.Soaked.Rounds {
		var most process.Stats
		for _, s := range m.Samples {
			most.Goroutines, most.Files = max(most.Goroutines, s.Goroutines), max(most.Files, s.Files)
		}
		h, grows := heapOf(m.Samples), "no"
		if !h.flat() {
			grows = "**yes**"
		}
		t.Add(m.Upstream, m.Pipeline, fmt.Sprint(most.Goroutines), fmt.Sprint(m.After.Goroutines), fmt.Sprint(most.Files), fmt.Sprint(m.After.Files),
			markdown.Mebibytes(uint64(h.First)), markdown.Mebibytes(uint64(h.Most)), markdown.Mebibytes(uint64(h.Second)), grows,
			markdown.Mebibytes(m.After.Heap), fmt.Sprintf("%.1f s", m.Back.Seconds()))
	}
	return t.String()
}

// sampleTable has a sample for each third of a round, and what was left.
func (r *report) sampleTable() string {
	const parts = 3
	var columns []string
	for i := range parts {
		columns = append(columns, fmt.Sprint(r.Soak/2*time.Duration(i+1)/parts))
	}
	t := roundsTable(append(columns, "after")...)
	for _, m := range r.Soaked.Rounds {
		cells := []string{m.Upstream, m.Pipeline}
		for i := range parts {
			cells = append(cells, sample(m.Samples, (i+1)*len(m.Samples)/parts-1))
		}
		t.Add(append(cells, sample([]process.Stats{m.After}, 0))...)
	}
	return t.String()
}

func sample(of []process.Stats, i int) string {
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("%d / %d / %s", of[i].Goroutines, of[i].Files, markdown.Mebibytes(of[i].Heap))
}

func interval(e statistics.Estimate) string { return fmt.Sprintf("%.3f–%.3f×", e.From, e.To) }

func kibibytes(k float64) string { return fmt.Sprintf("%.1f KiB", k) }

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// Below these a result is a smoke test, not a measurement.
const (
	fewestIterations = 1000
	fewestRuns       = 3
)

const inputName = "standard input"

// results are all that the input says.
type results struct {
	lines  []*line           // in the order of their first appearance
	config map[string]string // date, cpu, versions and the like
}

// A line is one contender in one benchmark, over all runs.
type line struct {
	benchmark, contender string

	suffix      string // "-2" where GOMAXPROCS was 2
	nanoseconds []float64
	bytes       []float64
	allocations []float64
	iterations  int // the fewest of any run
}

// read reads the output of one or several runs.
func read(in io.Reader) (*results, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	// The format ignores what it does not know, a failed benchmark too.
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "panic:") {
			return nil, fmt.Errorf("%s:%d: a benchmark failed: %s", inputName, i+1, line)
		}
	}
	r := &results{config: map[string]string{}}
	reader := benchfmt.NewReader(bytes.NewReader(text), inputName)
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, record
		case *benchfmt.Result:
			if err := r.add(record); err != nil {
				file, number := record.Pos()
				return nil, fmt.Errorf("%s:%d: %w", file, number, err)
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(r.lines) == 0 {
		return nil, errors.New("no benchmark results on standard input")
	}
	return r, nil
}

func (r *results) add(record *benchfmt.Result) error {
	for _, c := range record.Config {
		r.config[c.Key] = string(c.Value)
	}
	base, parts := record.Name.Parts()
	if len(parts) == 0 || parts[0][0] != '/' {
		return fmt.Errorf("%s compares no contenders", record.Name)
	}
	benchmark, contender := string(base), string(parts[0][1:])
	suffix := string(bytes.Join(parts[1:], nil))
	if !slices.ContainsFunc(comparisons(), func(c comparison) bool { return c.Name == benchmark }) {
		return fmt.Errorf("%s is not among those that comparisons.go explains", record.Name)
	}
	l := r.line(benchmark, contender)
	if l == nil {
		l = &line{benchmark: benchmark, contender: contender, suffix: suffix, iterations: math.MaxInt}
		r.lines = append(r.lines, l)
	}
	if suffix != l.suffix {
		return fmt.Errorf("%s was measured as %s%s before: they do not make one line", record.Name, l.name(), l.suffix)
	}
	l.iterations = min(l.iterations, record.Iters)
	for _, m := range []struct {
		unit   string
		scale  float64
		values *[]float64
	}{
		{"sec/op", 1e9, &l.nanoseconds}, // benchfmt makes seconds of ns/op
		{"B/op", 1, &l.bytes},
		{"allocs/op", 1, &l.allocations},
	} {
		value, ok := record.Value(m.unit)
		if !ok {
			return fmt.Errorf("%s does not say its %s", record.Name, m.unit)
		}
		*m.values = append(*m.values, m.scale*value)
	}
	return nil
}

// line returns the line of a contender, or nil if it was not measured.
func (r *results) line(benchmark, contender string) *line {
	for _, l := range r.of(benchmark) {
		if l.contender == contender {
			return l
		}
	}
	return nil
}

// named is line for a name like "BreakerClosed/raw".
func (r *results) named(name string) *line {
	benchmark, contender, _ := strings.Cut(name, "/")
	return r.line(benchmark, contender)
}

// of returns the lines of one benchmark.
func (r *results) of(benchmark string) []*line {
	var found []*line
	for _, l := range r.lines {
		if l.benchmark == benchmark {
			found = append(found, l)
		}
	}
	return found
}

// absent returns who could not take part in a benchmark, with the reason.
func (r *results) absent(benchmark string) (rows [][2]string) {
	prefix := "absent/" + strings.ToLower(benchmark) + "/"
	for _, key := range slices.Sorted(maps.Keys(r.config)) {
		if contender, ok := strings.CutPrefix(key, prefix); ok {
			rows = append(rows, [2]string{contender, r.config[key]})
		}
	}
	return rows
}

// runs is how often each line was measured, at least.
func (r *results) runs() int {
	fewest := math.MaxInt
	for _, l := range r.lines {
		fewest = min(fewest, len(l.nanoseconds))
	}
	return fewest
}

// meaningless says why the figures mean nothing, or "" if they do mean something.
func (r *results) meaningless() string {
	for _, l := range r.lines {
		if l.iterations < fewestIterations {
			return fmt.Sprintf("%s was measured over fewer than %d iterations, which is a smoke test", l.name(), fewestIterations)
		}
	}
	if r.runs() < fewestRuns {
		return fmt.Sprintf("not every benchmark was run %d times", fewestRuns)
	}
	return ""
}

func (l *line) name() string { return l.benchmark + "/" + l.contender }

// time is the median with the confidence interval that benchstat gives.
func (l *line) time() benchmath.Summary { return summary(l.nanoseconds) }

// size is the median of the bytes allocated.
func (l *line) size() float64 { return summary(l.bytes).Center }

func summary(values []float64) benchmath.Summary {
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95)
}

// ratio is how long l takes in relation to another.
func (l *line) ratio(to *line) float64 { return l.time().Center / to.time().Center }

// allocated is the most allocations of any run: none means none.
func (l *line) allocated() int { return int(slices.Max(l.allocations)) }

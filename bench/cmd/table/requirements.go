package main

import (
	"fmt"
	"strings"

	"reliability/bench/internal/markdown"
)

// A requirement is a ratio of medians that must not be exceeded.
type requirement struct {
	what     string
	of, than string
	atMost   float64
}

func requirements() []requirement {
	return []requirement{
		{"closed, without a chain", "BreakerClosed/raw", "BreakerClosed/gobreaker", 0.07},
		{"", "BreakerClosed/raw", "BreakerClosed/eapache", 1},
		{"closed, through a chain", "BreakerClosed/handrolled", "BreakerClosed/gobreaker", 0.15},
		{"", "BreakerClosed/handrolled", "BreakerClosed/eapache", 2},
		{"closed, shared by all cores", "BreakerClosedParallel/handrolled", "BreakerClosed/handrolled", 1},
		{"rejection", "BreakerOpen/handrolled", "BreakerOpen/gobreaker", 0.65},
		{"window", "BreakerWindow/handrolled", "BreakerWindow/gobreaker", 0.4},
		{"window, shared by all cores", "BreakerWindowParallel/handrolled", "BreakerWindow/handrolled", 2},
		{"window with slow calls", "BreakerWindowSlow/handrolled", "BreakerWindowSlow/gobreaker", 0.65},
		{"pipeline", "Pipeline/ours", "Pipeline/contextWithTimeout", 1.15},
		{"", "Pipeline/ours", "Pipeline/failsafe", 0.45},
		{"pipeline without a timeout", "PipelineNoTimeout/ours", "PipelineNoTimeout/gobreaker", 0.5},
	}
}

const notMeasured = "not measured"

// verdictTable says of each requirement whether it is met.
func verdictTable(r *results) string {
	t := markdown.Table{Header: []string{"", "required", "measured", ""}, Right: []bool{false, false, true, false}}
	for _, q := range requirements() {
		t.Add(append([]string{q.what, fmt.Sprintf("`%s` ≤ %s `%s`", q.of, times(q.atMost), q.than)}, q.verdict(r)...)...)
	}
	for _, q := range allocationRequirements() {
		t.Add(append([]string{q.what, q.required}, q.verdict(r)...)...)
	}
	return t.String()
}

func (q requirement) verdict(r *results) []string {
	of, than := r.named(q.of), r.named(q.than)
	if of == nil || than == nil {
		return []string{"", notMeasured}
	}
	ratio := of.ratio(than)
	return []string{times(ratio), markdown.Mark(ratio <= q.atMost)}
}

// An allocationRequirement is what each line of some contenders may allocate at most.
type allocationRequirement struct {
	what, required string
	applies        func(*line) bool
	atMost         func(*results) *int // nil: not measured
}

func allocationRequirements() []allocationRequirement {
	const allocations = "allocations"
	of := func(contenders ...string) func(*line) bool {
		return func(l *line) bool {
			for _, c := range contenders {
				if l.contender == c || l.name() == c {
					return true
				}
			}
			return false
		}
	}
	number := func(n int) func(*results) *int { return func(*results) *int { return &n } }
	return []allocationRequirement{
		{allocations, "none in any line of `handrolled` and `raw`", of("handrolled", "raw"), number(0)},
		{"", "at most 1 in any line of `sonybreaker`", of("sonybreaker"), number(1)},
		{"", "`Pipeline/ours` as many as `Pipeline/contextWithTimeout`", of("Pipeline/ours"), func(r *results) *int {
			floor := r.named("Pipeline/contextWithTimeout")
			if floor == nil {
				return nil
			}
			n := floor.allocated()
			return &n
		}},
		{"", "none in `PipelineNoTimeout/ours`", of("PipelineNoTimeout/ours"), number(0)},
	}
}

func (q allocationRequirement) verdict(r *results) []string {
	var beyond []string
	most, found, atMost := 0, false, q.atMost(r)
	for _, l := range r.lines {
		if !q.applies(l) || atMost == nil {
			continue
		}
		found, most = true, max(most, l.allocated())
		if l.allocated() > *atMost {
			beyond = append(beyond, "`"+l.name()+"`")
		}
	}
	switch {
	case !found:
		return []string{"", notMeasured}
	case len(beyond) > 0:
		return []string{fmt.Sprint(most), markdown.Miss + ": " + strings.Join(beyond, ", ")}
	}
	return []string{fmt.Sprint(most), markdown.Pass}
}

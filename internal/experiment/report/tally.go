package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// How a result ended, where that is no outcome of its verdicts.
const (
	skipped     Outcome = "skipped"
	couldNotRun Outcome = "could not run"
)

// ended is the outcome of a result as readers see it: one that was skipped, or that could
// not run, has nothing to judge and says so.
func (r Result) ended() Outcome {
	switch whole := r.Outcome(); {
	case r.Skipped != "" && len(r.Verdicts) == 0:
		return skipped
	case r.Err != "" && whole != Fail:
		return couldNotRun
	default:
		return whole
	}
}

// A Tally counts how a run ended.
type Tally struct {
	Passed       int `json:"passed"`       // verdicts
	Failed       int `json:"failed"`       // verdicts
	Inconclusive int `json:"inconclusive"` // verdicts
	Skipped      int `json:"skipped"`      // experiments, because this world cannot run them
	Errors       int `json:"errors"`       // experiments that could not run
}

// Count counts how results ended.
func Count(results []Result) Tally {
	var t Tally
	for _, r := range results {
		for _, v := range r.Verdicts {
			switch v.Outcome {
			case Pass:
				t.Passed++
			case Fail:
				t.Failed++
			default:
				t.Inconclusive++
			}
		}
		if r.Err != "" {
			t.Errors++
		}
		if r.ended() == skipped {
			t.Skipped++
		}
	}
	return t
}

// wholeOf is the outcome of a run: the worst there is in it.
func wholeOf(results []Result) Outcome {
	t := Count(results)
	switch {
	case t.Failed > 0:
		return Fail
	case t.Errors > 0 || t.Inconclusive > 0 || t.Passed == 0:
		return Inconclusive
	default:
		return Pass
	}
}

func (t Tally) String() string {
	s := fmt.Sprintf("%s passed, %d failed, %d inconclusive", plural(t.Passed, "verdict"), t.Failed, t.Inconclusive)
	if t.Skipped > 0 {
		s += "; " + plural(t.Skipped, "experiment") + " skipped"
	}
	if t.Errors > 0 {
		s += "; " + plural(t.Errors, "experiment") + " could not run"
	}
	return s
}

// counts says how many verdicts of a result ended how, in signs.
func (r Result) counts() string {
	t := Count([]Result{r})
	var parts []string
	for _, c := range [...]struct {
		n int
		o Outcome
	}{{t.Passed, Pass}, {t.Failed, Fail}, {t.Inconclusive, Inconclusive}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.o.glyph()))
		}
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, ", ")
}

// seedList has the seeds of results: one, unless runs were put together.
func seedList(results []Result) string {
	var list []string
	for _, r := range results {
		if s := fmt.Sprint(r.Seed); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return strings.Join(list, ", ")
}

// seeds is the same in a sentence.
func seeds(results []Result) string {
	list := seedList(results)
	if strings.Contains(list, ",") {
		return "seeds " + list
	}
	return "seed " + list
}

// worlds are the worlds that results come from.
func worlds(results []Result) string {
	var list []string
	for _, r := range results {
		if !slices.Contains(list, r.World) {
			list = append(list, r.World)
		}
	}
	return strings.Join(list, ", ")
}

// calls are the requests of all results together.
func calls(results []Result) int {
	n := 0
	for _, r := range results {
		n += r.Calls
	}
	return n
}

// elapsed is the real time from the first beginning to the last end: less than the sum,
// if some ran side by side. What was skipped never began.
func elapsed(results []Result) time.Duration {
	var first, last time.Time
	for _, r := range results {
		if r.Began.IsZero() {
			continue
		}
		if first.IsZero() || r.Began.Before(first) {
			first = r.Began
		}
		if end := r.Began.Add(r.Took); end.After(last) {
			last = end
		}
	}
	return last.Sub(first)
}

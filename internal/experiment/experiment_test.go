package experiment_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/experiment"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// seed of all runs here.
const seed = 20261125

// maxCalls is how many requests all services together may serve in one run of every
// experiment and every negative control: the tests are to stay quick.
const maxCalls = 60_000

// simulate runs an experiment in virtual time.
func simulate(t *testing.T, e experiment.Experiment, o experiment.Options) report.Result {
	t.Helper()
	var result report.Result
	synctest.Test(t, func(t *testing.T) {
		result = experiment.Execute(t.Context(), e, world.Simulated(), o)
	})
	return result
}

func describe(r report.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d: %s %s", r.Name, r.Seed, r.Outcome(), r.Err)
	for _, v := range r.Verdicts {
		fmt.Fprintf(&b, "\n  %-12s %s: %s: expected %s, seen %s (%s; p %.3g, power 1 − %.2g) %s", v.Outcome, v.Name, v.Claim, v.Expected, v.Seen, v.Test, v.P, 1-v.Power, v.Why)
	}
	return b.String()
}

// TestEveryExperiment: all verdicts pass, in virtual time; with the protection removed or
// broken, those fail that are said to, and only by what was done.
func TestEveryExperiment(t *testing.T) {
	var calls, repeated atomic.Int64
	t.Run("all", func(t *testing.T) {
		for _, e := range experiment.All() {
			if len(e.Worlds) > 0 && !slices.Contains(e.Worlds, world.NameSimulated) {
				t.Run(e.Name, func(t *testing.T) { checkElsewhere(t, e) })
				continue
			}
			t.Run(e.Name, func(t *testing.T) {
				t.Parallel()
				r := simulate(t, e, experiment.Options{Seed: seed, Fleet: 100})
				calls.Add(int64(r.Calls))
				if r.Outcome() != report.Pass {
					t.Error(describe(r))
				}
				t.Log(r.Calls, "calls", describe(r))
				checkComplete(t, e, r)
				again := simulate(t, e, experiment.Options{Seed: seed, Fleet: 100})
				repeated.Add(int64(again.Calls))
				checkRepeated(t, r, again)
			})
			for _, n := range e.Negatives {
				t.Run(e.Name+" "+n.Name, func(t *testing.T) {
					t.Parallel()
					r := simulate(t, e, experiment.Options{Seed: seed, Fleet: 100, Negative: n.Name})
					calls.Add(int64(r.Calls))
					if r.Err != "" {
						t.Error(describe(r))
					}
					for _, name := range n.Fails {
						i := slices.IndexFunc(r.Verdicts, func(v report.Verdict) bool { return v.Name == name })
						if i < 0 || r.Verdicts[i].Outcome != report.Fail {
							t.Errorf("%s should fail:\n%s", name, describe(r))
						}
					}
					t.Log(r.Calls, "calls", describe(r))
				})
			}
		}
	})
	t.Logf("%d calls in all, and %d to repeat them", calls.Load(), repeated.Load())
	if n := calls.Load(); n > maxCalls {
		t.Errorf("%d calls: at most %d are to be made here", n, maxCalls)
	}
}

// checkComplete: an experiment says all that a reader needs.
func checkComplete(t *testing.T, e experiment.Experiment, r report.Result) {
	t.Helper()
	if e.Claim == "" || e.Lesson == "" || len(e.Negatives) == 0 || len(r.Setup) == 0 || len(r.Figures) == 0 || len(r.Verdicts) == 0 {
		t.Errorf("%s lacks something: %+v", e.Name, r)
	}
	names := map[string]bool{}
	for _, v := range r.Verdicts {
		if names[v.Name] || v.Name == "" || v.Claim == "" || v.Expected == "" || v.Seen == "" || v.Test == "" {
			t.Errorf("verdict %+v", v)
		}
		names[v.Name] = true
		if v.Power < 1-1e-6 {
			t.Errorf("%s: the negative would fail with a probability of 1 − %.2g only", v.Name, 1-v.Power)
		}
	}
	failed := map[string]bool{}
	for _, n := range e.Negatives {
		for _, name := range n.Fails {
			failed[name] = true
			if !names[name] {
				t.Errorf("negative %s: there is no verdict %q", n.Name, name)
			}
		}
		if n.Name == "" || len(n.Fails) == 0 {
			t.Errorf("negative %+v says nothing", n)
		}
	}
	for name := range names {
		if !failed[name] {
			t.Errorf("no negative control fails %q", name)
		}
	}
}

// checkElsewhere: an experiment of another world says what it is, and that it is not run here.
// What it finds there is for the tests of that world: kubectl scales nothing in memory.
func checkElsewhere(t *testing.T, e experiment.Experiment) {
	t.Helper()
	if e.Claim == "" || e.Lesson == "" || len(e.Negatives) == 0 || e.Run == nil || !e.Setup.Kube {
		t.Errorf("%s lacks something: %+v", e.Name, e)
	}
	for _, n := range e.Negatives {
		if n.Name == "" || len(n.Fails) == 0 {
			t.Errorf("negative %+v says nothing", n)
		}
	}
	r := simulate(t, e, experiment.Options{Seed: seed})
	if want := "runs only in the world " + strings.Join(e.Worlds, " or "); r.Skipped != want || r.Err != "" || len(r.Verdicts) > 0 {
		t.Errorf("skipped %q, error %q, verdicts %v; want %q", r.Skipped, r.Err, r.Verdicts, want)
	}
}

// checkRepeated: the same seed gives the same verdicts, to the last digit of what was seen,
// but for what the report says may vary.
func checkRepeated(t *testing.T, first, second report.Result) {
	t.Helper()
	if len(first.Varies) > 0 {
		t.Logf("may vary: %s", strings.Join(first.Varies, "; "))
		if first.Outcome() != second.Outcome() {
			t.Errorf("two runs with one seed: %s, %s", describe(first), describe(second))
		}
		return
	}
	if diff := cmp.Diff(first.Verdicts, second.Verdicts); diff != "" {
		t.Errorf("two runs with one seed differ, -first +second:\n%s", diff)
	}
}

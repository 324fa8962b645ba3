package experiment

import (
	"context"
	"fmt"
	"strings"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// Engines: both breakers get the same calls, with the same faults, in bursts. Between two
// bursts the open time passes, and what came two bursts before has left a window of time, with
// room to spare: how quickly a machine makes the calls of a burst decides nothing.
const (
	enginesSteps  = 12   // calls in a burst, by each engine
	enginesEvery  = 0.02 // units, as what follows, from one to the next
	enginesPeriod = 3.6  // from one burst to the next of the same rule
	enginesApart  = 0.8  // from a burst of one rule to that of the next rule
	enginesChange = 0.6  // before the first of these, the faults change
	enginesOpen   = 2.0
	enginesWindow = 5.7 // of time
	enginesLate   = 1.1 // by which a burst may be late without a call getting near an edge
)

// enginesErrors is the share of calls that fail in each burst: an outage from the first call
// on, where only the least number of calls holds a window back, and which probes meet too; two
// good bursts, of which a window of time has left the first when the next outage comes, so
// that the last call of this one makes up exactly half; recovery, and doubt.
func enginesErrors() []float64 { return []float64{1, 1, 0, 0, 1, 0, 0.5, 0.5} }

func enginesAgree() Experiment {
	return Experiment{
		Name:  "engines",
		Claim: "gobreaker and the hand-rolled breaker agree",
		Lesson: "Told by one tally when there is reason to open, gobreaker and the hand-rolled breaker open, probe and close at the same calls, so what these experiments show is the pattern and not a library's whim. " +
			"The trap is in the small print, where gobreaker by itself differs and its adapter makes up for it: when a call counts, what a window forgets, and whether the end of the open time belongs to it.",
		Latency: true, // of a permit
		Setup:   world.Setup{Callers: 3},
		Negatives: []Negative{
			{Name: "faults-differ", Fails: []string{"consecutive", "count window", "time window"}}, // the second engine's calls meet others
			{Name: "no-faults", Fails: []string{"covered"}},                                        // nothing to agree about
			{Name: "limits-differ", Fails: []string{"rules"}},                                      // from those that the model is told
		},
		Run: func(ctx context.Context, r *Run) error {
			rules := breakerRules(r)
			for i, rule := range rules {
				doc := rule.limits.doc(r)
				doc["open_for"], doc["probes"] = r.Units(enginesOpen), 2
				if _, err := r.Callers[i].Policy(ctx, r.Policy(world.Doc{"order": []string{"breaker"}, "breaker": doc})); err != nil {
					return err
				}
				r.Setup("caller %d opens after %s, for %v, 2 probes", i+1, rule.claim, r.Units(enginesOpen))
			}
			r.Setup("load of each: %d bursts of %d calls, one every %v, a burst every %v, the callers %v apart; each call is made by either engine under one name, so that it meets the same faults",
				len(enginesErrors()), enginesSteps, r.Units(enginesEvery), r.Units(enginesPeriod), r.Units(enginesApart))
			r.Setup("share of calls that fail, by burst: %v", enginesErrors())
			if err := r.SetFaults(ctx, enginesFaults(r)); err != nil {
				return err
			}
			pairs := make([]enginePair, len(rules))
			loads := make([]func() error, len(rules))
			for i, rule := range rules {
				loads[i] = func() (err error) {
					pairs[i], err = r.pair(ctx, r.Callers[i], rule.name, enginesApart*float64(i))
					return err
				}
			}
			if err := sideBySide(loads...); err != nil {
				return err
			}
			for i, rule := range rules {
				pairs[i].judge(r, rule)
			}
			r.judgeRules(rules, pairs)
			r.judgeCovered(pairs)
			r.Figure(enginesFigure(r, rules, pairs))
			return measurePermits(ctx, r)
		},
	}
}

// enginesFaults changes the share between the bursts.
func enginesFaults(r *Run) world.Doc {
	var phases []world.Doc
	for i, share := range enginesErrors() {
		phase := world.Doc{"for": r.Units(enginesPeriod), "error_rate": share}
		if i == 0 {
			phase["for"] = r.Units(enginesPeriod - enginesChange)
		}
		if r.Negative("no-faults") {
			delete(phase, "error_rate")
		}
		phases = append(phases, phase)
	}
	return world.Doc{"schedule": phases}
}

// An enginePair is the same calls by either engine, in their order.
type enginePair struct {
	calls [2][]Sample
	late  time.Duration // by how much the slowest burst was
}

func (r *Run) pair(ctx context.Context, c *world.Caller, rule string, begin float64) (enginePair, error) {
	var due []time.Duration
	for burst := range enginesErrors() {
		for step := range enginesSteps {
			at := r.Units(begin + enginesPeriod*float64(burst) + enginesEvery*float64(step))
			due = append(due, at, at)
		}
	}
	group := strings.ReplaceAll(rule, " ", "-")
	samples, err := r.InTurn(ctx, []*world.Caller{c}, group, due, func(i int) world.Call {
		call := world.Call{Engine: engines()[i%2], ID: fmt.Sprintf("engines-%s-%d", group, i/2)}
		if i%2 == 1 && r.Negative("faults-differ") {
			call.ID += "-other"
		}
		return call
	})
	var p enginePair
	for i, s := range samples {
		p.calls[i%2] = append(p.calls[i%2], s)
		p.late = max(p.late, s.Latency) // which counts from when it was due
	}
	return p, err
}

// enginesFigure is the states of both, under each rule.
func enginesFigure(r *Run, rules []breakerRule, pairs []enginePair) report.Figure {
	f := report.Figure{
		Name: "states", Title: "Two engines, the same calls and faults: their states", Caption: "Under each rule the two bands are the same.",
		X: report.Axis{Label: "time (attempt timeouts)"},
	}
	for i, rule := range rules {
		for n, engine := range engines() {
			row := stateRow(r, pairs[i].calls[n], engine)
			row.Name = rule.name + ", " + engine
			f.Rows = append(f.Rows, row)
		}
	}
	for i, share := range enginesErrors() {
		if share > 0 {
			at := enginesPeriod*float64(i) - enginesChange
			f.Phases = append(f.Phases, report.Phase{From: max(0, at), To: at + enginesPeriod, Name: fmt.Sprintf("%.0f %% fail", 100*share)})
		}
	}
	return f
}

// Package experiment is every claim that is made here about retry, timeout and circuit
// breaker, each with a set-up, an injected fault, a load, measurements and verdicts that can
// fail. One definition runs in three worlds, see [world.World], and touches the services
// through their HTTP APIs only.
package experiment

import (
	"context"
	"fmt"
	"maps"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// An Experiment is one claim and how it is judged.
type Experiment struct {
	Name   string // lower case and dashes
	Claim  string // in a sentence
	Lesson string // what to take home from it, and the trap it warns of
	// Latency says that it measures how long calls take on a real machine, so nothing else
	// may run beside it there.
	Latency bool
	// Worlds are those it can run in; nil is all of them.
	Worlds []string
	// Setup is what it runs with.
	Setup world.Setup
	// Run does it. What it finds, it tells r; its error is why it could not.
	Run func(ctx context.Context, r *Run) error
	// Negatives are its negative controls, at least one.
	Negatives []Negative
}

// A Negative is a negative control: the experiment with the protection removed or broken, to
// prove that its verdicts can fail.
type Negative struct {
	Name  string   // what is done, lower case and dashes: jitter-off
	Fails []string // names of the verdicts that must fail then
}

// A Run is one run of an experiment.
type Run struct {
	*world.System
	World *world.World
	Seed  uint64
	U     time.Duration // the world's unit

	negative string
	result   *report.Result
	served   *served
	late     *lateness
	fleet    int
	begin    time.Time
}

// Negative reports whether this run is a negative control.
func (r *Run) Negative(name string) bool { return r.negative == name }

// Caller is the first one: of layers, the outermost.
func (r *Run) Caller() *world.Caller { return r.Callers[0] }

// Units is n times the unit.
func (r *Run) Units(n float64) time.Duration { return time.Duration(n * float64(r.U)) }

// InUnits is the same the other way round.
func (r *Run) InUnits(d time.Duration) float64 { return float64(d) / float64(r.U) }

// Policy is a policy document, made from what differs from the experiments' own: no budget,
// back-offs that the seed repeats, and connections that are kept where that hides nothing.
func (r *Run) Policy(doc world.Doc) world.Doc {
	retry := world.Doc{"budget": world.Doc{"on": false}, "seed": r.Seed}
	if given, ok := doc["retry"].(world.Doc); ok {
		maps.Copy(retry, given)
	}
	whole := world.Doc{"retry": retry}
	if r.World.Name != world.NameCluster {
		whole["connections"] = world.Doc{"mode": "pooled"}
	}
	for k, v := range doc {
		if k != "retry" {
			whole[k] = v
		}
	}
	return whole
}

// SetPolicy puts a policy in force at every caller.
func (r *Run) SetPolicy(ctx context.Context, doc world.Doc) error {
	for _, c := range r.Callers {
		if _, err := c.Policy(ctx, r.Policy(doc)); err != nil {
			return err
		}
	}
	return nil
}

// SetFaults puts a fault document in force, with the run's seed.
func (r *Run) SetFaults(ctx context.Context, doc world.Doc) error {
	whole := world.Doc{"seed": r.Seed}
	maps.Copy(whole, doc)
	return r.Flaky.Faults(ctx, whole)
}

// A Sample is a call of a load: when it was due, counted from the load's begin, and what
// came of it. Its latency counts from then.
type Sample struct {
	Due time.Duration
	world.Done
}

// Calls makes a load of calls at c and returns what came of each, in the order in which they
// were due. Group names the load: with the number of a call it is the call's identity, on
// which faults and back-offs hang, so two loads of one name meet the same. Call is a
// template; nil is a plain call.
func (r *Run) Calls(ctx context.Context, c *world.Caller, group string, plan load.Plan, call func(i int) world.Call) ([]Sample, error) {
	samples := make([]Sample, plan.Calls)
	begin := time.Now()
	err := plan.Run(ctx, func(i int, due time.Time) {
		var one world.Call
		if call != nil {
			one = call(i)
		}
		if one.ID == "" {
			one.ID = fmt.Sprintf("%s-%s-%d", r.result.Name, group, i)
		}
		done := c.Call(ctx, one)
		late := done.Began.Sub(due)
		r.late.add(late)
		done.Latency += late
		samples[i] = Sample{due.Sub(begin), done}
	})
	if err != nil {
		return nil, err
	}
	for i, s := range samples {
		if s.Err != nil {
			return nil, fmt.Errorf("%s: call %d of %d: %w", group, i, plan.Calls, s.Err)
		}
	}
	return samples, nil
}

// Setup notes what ran, or what was done to it.
func (r *Run) Setup(format string, a ...any) {
	r.result.Setup = append(r.result.Setup, fmt.Sprintf(format, a...))
}

// Varies notes what may differ between two runs with the same seed.
func (r *Run) Varies(what string) { r.result.Varies = append(r.result.Varies, what) }

// Measure shows a figure that is not judged.
func (r *Run) Measure(name string, value float64, unit string) {
	r.result.Measured = append(r.result.Measured, report.Measure{Name: name, Value: value, Unit: unit})
}

// Figure shows a plot.
func (r *Run) Figure(f report.Figure) { r.result.Figures = append(r.result.Figures, f) }

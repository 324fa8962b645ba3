package experiment

import (
	"context"
	"fmt"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/world"
)

// outageOpen is how long the breaker stays open, in units.
const outageOpen = 12.0

// outage: a Deployment without replicas, and back.
func outage() Experiment {
	const (
		failures = 5
		every    = 0.2
		calls    = 600
		fast     = 5 * time.Millisecond
	)
	return Experiment{
		Name:  "outage",
		Claim: "Scale to zero, then back: the breaker opens, and closes by itself",
		Lesson: "Without endpoints a connection is refused or, where the kernel limits its refusals, not answered at all: the dial phase of an attempt says which. " +
			"An open breaker makes that a quick answer, and probes find the replicas when they are back.",
		Worlds:  []string{world.NameCluster},
		Latency: true,
		Setup:   world.Setup{Kube: true},
		Negatives: []Negative{
			{Name: "breaker-off", Fails: []string{"opens", "fast", "rejection traced"}},
			{Name: "errors-for-good", Fails: []string{"dial", "dial traced", "closes", "recovery traced"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			order := []string{"timeout", "breaker"}
			if r.Negative("breaker-off") {
				order = []string{"timeout"}
			}
			err := r.SetPolicy(ctx, world.Doc{
				"order": order, "timeout": world.Doc{"limit": r.U}, "breaker": world.Doc{"failures": failures, "open_for": r.Units(outageOpen), "probes": 2},
			})
			if err != nil {
				return err
			}
			var samples []Sample
			plan := load.Plan{Calls: calls, Every: r.Units(every)}
			if r.Negative("errors-for-good") { // of replicas that answer, and go on with it
				r.Setup("a call every %v; every replica answers errors after %v", plan.Every, r.Units(20))
				samples, err = r.callsWhile(ctx, "load", plan, r.errorsForGood)
			} else {
				r.Setup("a call every %v; kubectl scale deployment/%s --replicas=0 after %v, and back after %v", plan.Every, flakyGood, r.Units(20), r.Units(60))
				err = r.scaled(ctx, func(ctx context.Context) (err error) {
					samples, err = r.callsWhile(ctx, "load", plan, r.scaleToZeroAndBack)
					return err
				}, flakyGood)
			}
			if err != nil {
				return err
			}
			r.judgeOutage(samples, fast)
			r.judgeOutageTraces(ctx, samples)
			r.Figure(breakerFigure(r, samples, nil))
			return nil
		},
	}
}

func (r *Run) scaleToZeroAndBack(ctx context.Context) error {
	replicas, err := r.Kube.Replicas(ctx, flakyGood)
	if err != nil {
		return err
	}
	if err := r.Wait(ctx, r.Units(20)); err != nil {
		return err
	}
	if err := r.Kube.Scale(ctx, flakyGood, 0); err != nil {
		return err
	}
	if err := r.Wait(ctx, r.Units(40)); err != nil {
		return err
	}
	if err := r.Kube.Scale(ctx, flakyGood, replicas); err != nil {
		return err
	}
	if err := r.Kube.RolledOut(ctx, flakyGood); err != nil {
		return err
	}
	return r.Wait(ctx, r.Units(2*outageOpen)) // opened a moment ago, perhaps, and two probes on
}

func (r *Run) errorsForGood(ctx context.Context) error {
	if err := r.Wait(ctx, r.Units(20)); err != nil {
		return err
	}
	return r.Caller().Faults(ctx, world.Doc{"error_rate": 1})
}

func (r *Run) judgeOutage(samples []Sample, fast time.Duration) {
	dialled, elsewhere, rejected := map[string]int{}, 0, []float64{}
	for _, s := range samples {
		if s.Outcome == "rejected" {
			rejected = append(rejected, s.ElapsedMS)
			continue
		}
		for _, a := range s.Attempts {
			switch {
			case a.Phase == "dial":
				dialled[a.Cause]++
			case a.Phase != "":
				elsewhere++ // while the replicas were ending
			}
		}
	}
	r.AtLeast("opens", "the breaker opens", 1, float64(len(rejected)), "rejections")
	r.Holds("dial", "attempts fail while dialling", "refused or timed out", fmt.Sprintf("%d refused, %d timed out", dialled["refused"], dialled["timeout"]), dialled["refused"]+dialled["timeout"] > 0)
	r.judgeFast("p99 of rejections < 5 ms", "<", millis(fast), rejected)
	last := samples[len(samples)-1]
	r.Holds("closes", "closed again by itself", "success, closed", last.Outcome+", "+last.Breaker.State, last.OK() && last.Breaker.State == "closed")
	r.Measure("refused", float64(dialled["refused"]), "attempts")
	r.Measure("dial timed out", float64(dialled["timeout"]), "attempts")
	r.Measure("failed after the dial", float64(elsewhere), "attempts")
}

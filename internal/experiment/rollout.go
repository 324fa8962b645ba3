package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// rollout: deploys and deaths under load.
func rollout() Experiment {
	return Experiment{
		Name:  "rollout",
		Claim: "A deploy or a killed pod costs no call",
		Lesson: "A replica that drains goes on serving until nobody sends it calls any more, and even one that is deleted by force has two seconds left to do so. " +
			"Where it does not, calls are refused or cut off: retries on fresh connections are for those, and payments need a key to be retried by.",
		Worlds:    []string{world.NameCluster},
		Latency:   true,
		Setup:     world.Setup{Kube: true},
		Negatives: []Negative{{Name: "unprotected", Fails: []string{"calls"}}},
		Run: func(ctx context.Context, r *Run) error {
			if r.Negative("unprotected") {
				return r.rolledUnprotected(ctx)
			}
			failed, n, err := r.rolled(ctx, "chain", "with the chain", []string{"retry", "timeout", "breaker"}, 1)
			if err != nil {
				return err
			}
			r.Exactly("calls", fmt.Sprintf("no call of %d fails", n), 0, failed)
			failed, n, err = r.rolled(ctx, "drain", "without policies", nil, 1)
			if err != nil {
				return err
			}
			r.Measure("calls that fail where replicas drain and nobody retries", 100*float64(failed)/float64(n), "%")
			return nil
		},
	}
}

// rolledUnprotected does it with replicas that do not drain, and without policies.
func (r *Run) rolledUnprotected(ctx context.Context) (err error) {
	const drain = "FLAKY_DRAIN"
	before, err := r.Kube.EnvOf(ctx, flakyGood, drain)
	if err != nil {
		return err
	}
	defer func() {
		back, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), settleLimit, errNotBack)
		defer cancel()
		err = errors.Join(err, r.Kube.Env(back, flakyGood, drain, before))
	}()
	if err := r.Kube.Env(ctx, flakyGood, drain, "0s"); err != nil {
		return err
	}
	failed, n, err := r.rolled(ctx, "unprotected", "without drain and policies", nil, 2) // how long a node sends calls to one that has gone is chance
	if err == nil {
		r.Exactly("calls", fmt.Sprintf("no call of %d fails", n), 0, failed)
	}
	return err
}

// rolled disturbs the Deployment under load, so many times, and returns how many calls of how many failed.
func (r *Run) rolled(ctx context.Context, group, title string, order []string, times int) (failed, n int, err error) {
	const every = 0.03 // units
	err = r.SetPolicy(ctx, world.Doc{
		"order": append([]string{}, order...), "timeout": world.Doc{"limit": r.U},
		"retry": world.Doc{"max_attempts": 5, "base": r.Units(0.1), "max": r.U}, "breaker": world.Doc{"failures": 20, "open_for": r.U},
	})
	if err != nil {
		return 0, 0, err
	}
	r.Setup("%s: a call every %v, policies: %s; meanwhile kubectl rollout restart deployment/%s, then a pod deleted, then one killed",
		group, r.Units(every), cmp.Or(strings.Join(order, ", "), "none"), flakyGood)
	samples, err := r.callsWhile(ctx, group, load.Plan{Calls: moreCalls, Every: r.Units(every)}, func(ctx context.Context) error {
		for range times {
			if err := r.disturb(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	retried, latencies := 0, make([]float64, len(samples))
	line := report.Line{Name: "latency", Style: report.Dots}
	for i, s := range samples {
		latencies[i] = millis(s.Latency)
		line.XY = append(line.XY, report.Point{X: r.InUnits(s.Due), Y: latencies[i]})
		if !s.OK() {
			failed++
		}
		if len(s.Attempts) > 1 {
			retried++
		}
	}
	slices.Sort(latencies)
	if len(order) > 0 {
		r.Measure("calls that needed a retry", float64(retried), "calls")
	}
	r.Measure("p99 of all calls, "+title, stat.Quantile(latencies, 0.99), "ms")
	r.Figure(report.Figure{
		Name: "latency-" + group, Title: "Calls during a rollout, a deleted pod and a killed one, " + title, Caption: "Each dot is a call, from when it was due.",
		X: report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "latency (ms)", Log: true}, Lines: []report.Line{line},
	})
	return failed, len(samples), nil
}

// disturb replaces all replicas, deletes one and kills one, a moment after each other.
func (r *Run) disturb(ctx context.Context) error {
	steps := []func() error{
		func() error { return r.Kube.Restart(ctx, flakyGood) },
		func() error { return r.Kube.RolledOut(ctx, flakyGood) },
	}
	for _, forced := range [...]bool{false, true} {
		steps = append(steps, func() error {
			pods, err := r.Kube.Pods(ctx, healthyPods)
			if err == nil && len(pods) == 0 {
				err = fmt.Errorf("no pod has the labels %s", healthyPods)
			}
			if err != nil {
				return err
			}
			return r.Kube.Delete(ctx, pods[0], forced)
		}, func() error { return r.Kube.RolledOut(ctx, flakyGood) })
	}
	for _, step := range steps {
		if err := r.Wait(ctx, r.Units(8)); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return r.Wait(ctx, r.Units(16)) // what a drain of 3 s ends with is under load, too
}

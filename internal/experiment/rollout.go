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
	const (
		calls = 3000
		every = 0.08
	)
	return Experiment{
		Name:  "rollout",
		Claim: "A deploy or a killed pod costs no call",
		Lesson: "A replica that drains goes on serving until nobody sends it calls any more; what is killed all the same costs attempts, which a retry on a fresh connection makes good. " +
			"One of the two alone is not enough: draining does not help against a kill, and retries do not help payments.",
		Worlds:    []string{world.NameCluster},
		Setup:     world.Setup{Kube: true},
		Negatives: []Negative{{Name: "unprotected", Fails: []string{"calls"}}},
		Run: func(ctx context.Context, r *Run) (err error) {
			order := []string{"retry", "timeout", "breaker"}
			drain := ""
			if r.Negative("unprotected") {
				order, drain = []string{}, "0s"
			}
			err = r.SetPolicy(ctx, world.Doc{
				"order": order, "timeout": world.Doc{"limit": r.U},
				"retry": world.Doc{"max_attempts": 5, "base": r.Units(0.1), "max": r.U}, "breaker": world.Doc{"failures": 20, "open_for": r.U},
			})
			if err != nil {
				return err
			}
			if drain != "" {
				defer func() { err = errors.Join(err, r.Kube.Env(context.WithoutCancel(ctx), flakyGood, "FLAKY_DRAIN", "")) }()
				if err := r.Kube.Env(ctx, flakyGood, "FLAKY_DRAIN", drain); err != nil {
					return err
				}
			}
			r.Setup("%d calls, one every %v, policies: %s; meanwhile kubectl rollout restart deployment/%s, then a pod deleted, then one killed", calls, r.Units(every), cmp.Or(strings.Join(order, ", "), "none"), flakyGood)
			samples, err := r.callsWhile(ctx, load.Plan{Calls: calls, Every: r.Units(every)}, r.disturb)
			if err != nil {
				return err
			}
			failed, retried, latencies := 0, 0, make([]float64, len(samples))
			for i, s := range samples {
				latencies[i] = millis(s.Latency)
				if !s.OK() {
					failed++
				}
				if len(s.Attempts) > 1 {
					retried++
				}
			}
			slices.Sort(latencies)
			r.Exactly("calls", "no call fails", 0, failed)
			r.Measure("calls that needed a retry", float64(retried), "calls")
			r.Measure("p99 of all calls", stat.Quantile(latencies, 0.99), "ms")
			line := report.Line{Name: "latency", Style: report.Dots}
			for _, s := range samples {
				line.XY = append(line.XY, report.Point{X: r.InUnits(s.Due), Y: millis(s.Latency)})
			}
			r.Figure(report.Figure{
				Name: "latency", Title: "Calls during a rollout, a deleted pod and a killed one", Caption: "What would have failed is a little slower instead.",
				X: report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "latency (ms)", Log: true}, Lines: []report.Line{line},
			})
			return nil
		},
	}
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
	return nil
}

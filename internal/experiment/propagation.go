package experiment

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// propagation: nothing stands between caller and a dependency that fails and is slow.
func propagation() Experiment {
	const (
		calls     = 400
		errorRate = 0.3
		latency   = 2.0  // of every answer, in units
		every     = 0.05 // units from one call to the next
		attempts  = 4    // of the negative control
	)
	return Experiment{
		Name:  "propagation",
		Claim: "Without protection a dependency's failure is the caller's failure",
		Lesson: "Error rate out is error rate in, and while the dependency is slow, calls pile up: as many as come in the time that one takes " +
			"(Little's law). Everything that follows is about not letting that happen.",
		Latency:   true,
		Negatives: []Negative{{Name: "retries-on", Fails: []string{"errors", "in flight"}}},
		Run: func(ctx context.Context, r *Run) error {
			allowance, err := r.Allowance(ctx)
			if err != nil {
				return err
			}
			order := []string{}
			if r.Negative("retries-on") {
				order = []string{"retry"}
			}
			if err := r.SetPolicy(ctx, world.Doc{"order": order, "retry": world.Doc{"max_attempts": attempts, "base": r.Units(0.01)}}); err != nil {
				return err
			}
			if err := r.SetFaults(ctx, world.Doc{"error_rate": errorRate, "latency": world.Doc{"value": r.Units(latency)}}); err != nil {
				return err
			}
			r.Setup("policies: %s; flaky answers %.0f %% with an error, all after %v", cmp.Or(strings.Join(order, ", "), "none"), 100*errorRate, r.Units(latency))
			r.Setup("load: %d calls, one every %v", calls, r.Units(every))
			before, err := r.Flaky.Stats(ctx, time.Second)
			if err != nil {
				return err
			}
			samples, err := r.Calls(ctx, r.Caller(), "load", load.Plan{Calls: calls, Every: r.Units(every)}, nil)
			if err != nil {
				return err
			}
			after, err := r.Flaky.Stats(ctx, time.Second)
			if err != nil {
				return err
			}
			r.Rate("errors", "error rate out = error rate in", failed(samples), calls, errorRate, 1-stat.RetrySuccess(errorRate, attempts))

			// The mean over the load, from the integral that flaky keeps. No call is with it
			// for less than the injected latency, or for longer than that and what a call
			// costs here.
			window := r.Units(every * calls)
			little := func(each time.Duration) float64 { return float64(each) * calls / float64(window) }
			inFlight := (after.InFlightSeconds - before.InFlightSeconds) / window.Seconds()
			const claim = "mean in flight = rate × latency (Little)"
			low, high := little(r.Units(latency)), little(r.Units(latency)+allowance)
			if high >= low*stat.AttemptsPerCall(errorRate, attempts) {
				r.Inconclusive("in flight", claim, fmt.Sprintf("calls take up to %v on this machine without faults, as much as retries would add", allowance))
			} else {
				r.Between("in flight", claim, low, high, inFlight, "calls")
			}
			r.Figure(propagationFigure(r, samples))
			return nil
		},
	}
}

func propagationFigure(r *Run, samples []Sample) report.Figure {
	f := report.Figure{
		Name: "calls", Title: "Every call, and how it ended", Caption: "What the dependency does is what the callers get.",
		X: report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "latency (ms)"},
	}
	good, bad := report.Line{Name: "success", Style: report.Dots}, report.Line{Name: "failure", Style: report.Dots}
	for _, s := range samples {
		into := &good
		if !s.OK() {
			into = &bad
		}
		into.XY = append(into.XY, report.Point{X: r.InUnits(s.Due), Y: millis(s.Latency)})
	}
	f.Lines = []report.Line{good, bad}
	return f
}

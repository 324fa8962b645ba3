package experiment

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

const (
	tuneMedian = 1.0 // of the latency, in units
	tuneP99    = 5.0
	tuneEvery  = 0.02 // units from one call to the next
	tuneCalls  = 140
	tuneHung   = 10   // calls to a dependency that hangs
	tuneCap    = 10.0 // units after which it hangs up
)

// tunedTimeouts are those that are tried, in units.
func tunedTimeouts() []float64 { return []float64{0.4, 0.8, 1.25, 2, 3.2, 5} }

// tuneLatency is the distribution of the latency, in units.
func tuneLatency() distuv.LogNormal {
	return distuv.LogNormal{Mu: math.Log(tuneMedian), Sigma: math.Log(tuneP99/tuneMedian) / distuv.UnitNormal.Quantile(0.99)}
}

// held is for how long a call is with the dependency on average, in units: the mean of the
// latency or the timeout, whichever is less.
func held(timeout float64) float64 {
	l := tuneLatency()
	z := (math.Log(timeout) - l.Mu) / l.Sigma
	return l.Mean()*distuv.UnitNormal.CDF(z-l.Sigma) + timeout*l.Survival(timeout)
}

// A tuned timeout and what was measured under it.
type tuned struct {
	timeout  float64 // in units, as all times here
	failed   int
	held     float64 // time with the dependency for each call
	timeouts int     // while it hangs
	heldHung float64
	waited   float64 // so long did each call wait, while it hung
	least    float64 // the shortest of these
}

// timeoutTuning: a known latency, and timeouts from too short to too long for it.
func timeoutTuning() Experiment {
	return Experiment{
		Name:  "timeout-tuning",
		Claim: "Too short a timeout gives false failures, too long a one holds resources",
		Lesson: "A timeout of t fails every call that would have taken longer: 1 − CDF(t). Choose t from the measured distribution, at the quantile whose share of false failures you can afford. " +
			"The trap is to be generous because it seems to cost nothing: it costs nothing until the dependency hangs, and then each call is held for all of t.",
		Latency:   true,
		Negatives: []Negative{{Name: "timeout-off", Fails: []string{"false failures", "held", "hanging"}}},
		Run: func(ctx context.Context, r *Run) error {
			allowance, err := r.RetryAllowance(ctx)
			if err != nil {
				return err
			}
			r.Setup("flaky answers after a log-normal time: median %v, p99 %v; then it hangs", r.Units(tuneMedian), r.Units(tuneP99))
			r.Setup("%d calls, one every %v, and %d while it hangs, with each timeout of %v × %v", tuneCalls, r.Units(tuneEvery), tuneHung, tunedTimeouts(), r.U)
			var all []tuned
			for _, timeout := range tunedTimeouts() {
				one, err := r.tune(ctx, timeout)
				if err != nil {
					return err
				}
				all = append(all, one)
			}
			r.judgeTuned(all, r.InUnits(allowance))
			r.Figure(report.Figure{
				Name: "failures", Title: "False failures against the timeout", Caption: "Whatever would have taken longer than the timeout fails, although nothing is wrong.",
				X: report.Axis{Label: "timeout (units)", Min: 0, Max: 5.2}, Y: report.Axis{Label: "share of calls that fail", Min: 0, Max: 1},
				Lines: []report.Line{
					theoryLine("1 − CDF(timeout)", tuneLatency().Survival),
					tunedLine("measured", all, func(t tuned) float64 { return float64(t.failed) / tuneCalls }),
				},
			})
			r.Figure(report.Figure{
				Name: "held", Title: "Calls in flight against the timeout", Caption: "A long timeout costs little while the dependency answers, and all of it when the dependency hangs.",
				X: report.Axis{Label: "timeout (units)", Min: 0, Max: 5.2}, Y: report.Axis{Label: "time held × rate (calls in flight)"},
				Lines: []report.Line{
					theoryLine("rate × E[min(latency, timeout)]", func(t float64) float64 { return held(t) / tuneEvery }),
					theoryLine("rate × timeout", func(t float64) float64 { return t / tuneEvery }),
					tunedLine("answers", all, func(t tuned) float64 { return t.held / tuneEvery }),
					tunedLine("hangs", all, func(t tuned) float64 { return t.heldHung / tuneEvery }),
				},
			})
			return nil
		},
	}
}

// tune measures one timeout.
func (r *Run) tune(ctx context.Context, timeout float64) (tuned, error) {
	order := []string{"timeout"}
	if r.Negative("timeout-off") {
		order = []string{}
	}
	if err := r.SetPolicy(ctx, world.Doc{"order": order, "timeout": world.Doc{"limit": r.Units(timeout)}}); err != nil {
		return tuned{}, err
	}
	one := tuned{timeout: timeout}
	// measure is for how long each call was with flaky, by the integral that it keeps.
	measure := func(group string, calls int, faults world.Doc) (samples []Sample, each float64, err error) {
		if err := r.SetFaults(ctx, faults); err != nil {
			return nil, 0, err
		}
		before, err := r.settled(ctx)
		if err != nil {
			return nil, 0, err
		}
		samples, err = r.Calls(ctx, r.Caller(), fmt.Sprintf("%s-%g", group, timeout), load.Plan{Calls: calls, Every: r.Units(tuneEvery)}, nil)
		if err != nil {
			return nil, 0, err
		}
		after, err := r.settled(ctx)
		total := time.Duration(math.Round((after.InFlightSeconds - before.InFlightSeconds) * float64(time.Second)))
		return samples, r.InUnits(total) / float64(calls), err
	}
	latency := world.Doc{"distribution": "lognormal", "median": r.Units(tuneMedian), "p99": r.Units(tuneP99)}
	answered, each, err := measure("answers", tuneCalls, world.Doc{"latency": latency})
	if err != nil {
		return tuned{}, err
	}
	one.failed, one.held = failed(answered), each
	hung, each, err := measure("hangs", tuneHung, world.Doc{"hang": world.Doc{"rate": 1, "cap": r.Units(tuneCap)}})
	if err != nil {
		return tuned{}, err
	}
	one.heldHung = each
	waited := func(s Sample) float64 { return s.Attempts[0].DurationMS / millis(r.U) }
	one.least, _ = span(hung, waited)
	for _, s := range hung {
		one.waited += waited(s) / tuneHung
		if s.Outcome == "timeout" {
			one.timeouts++
		}
	}
	return one, nil
}

// judgeTuned compares with the theory. A call takes up to the allowance longer than its
// latency, and comes to flaky, and goes, up to the allowance late.
func (r *Run) judgeTuned(all []tuned, allowance float64) {
	latency := tuneLatency()
	settings := float64(len(all))
	var failures, means []float64
	var failurePower, meanPower float64
	var expected, seen [3][]string
	hung, timeouts := true, 0
	for _, t := range all {
		least, most := latency.Survival(t.timeout), latency.Survival(max(0, t.timeout-allowance))
		few, many := stat.BinomialAtMost(t.failed, tuneCalls, least), stat.BinomialAtLeast(t.failed, tuneCalls, most)
		failures = append(failures, min(1, 2*min(few, many)))
		failurePower = max(failurePower, stat.BinomialPower(tuneCalls, least, 0, stat.Alpha/settings, stat.TwoSided))

		// The time of a call is between nothing and the timeout, so that its mean is hardly
		// ever far off (Hoeffding, J. Am. Stat. Assoc. 58, 1963).
		theory, width := held(t.timeout), t.timeout+allowance
		off := max(0, math.Abs(t.held-theory)-allowance)
		means = append(means, min(1, 2*math.Exp(-2*tuneCalls*off*off/(width*width))))
		critical := theory + allowance + width*math.Sqrt(math.Log(2*settings/stat.Alpha)/(2*tuneCalls))
		for _, longer := range all { // without a timeout calls take at least the lesser of their latency and this
			margin := max(0, held(longer.timeout)-critical) / longer.timeout
			meanPower = max(meanPower, -math.Expm1(-2*tuneCalls*margin*margin))
		}
		// How long calls wait hangs on this machine, and so does for how long they are held.
		hung = hung && t.timeouts == tuneHung && atMost(t.timeout, t.least) && atMost(t.waited-allowance, t.heldHung) && atMost(t.heldHung, t.waited+allowance)
		timeouts += t.timeouts

		expected[0], seen[0] = append(expected[0], quantity(100*least, "")), append(seen[0], quantity(100*float64(t.failed)/tuneCalls, ""))
		expected[1], seen[1] = append(expected[1], quantity(theory/tuneEvery, "")), append(seen[1], quantity(t.held/tuneEvery, ""))
		expected[2], seen[2] = append(expected[2], quantity(t.timeout, "")), append(seen[2], quantity(t.heldHung, ""))
	}
	list := func(texts []string, unit string) string { return strings.Join(texts, ", ") + " " + unit }
	r.Judge(report.Verdict{
		Name: "false failures", Claim: "with each timeout t: false failures = 1 − CDF(t)", Expected: list(expected[0], "%"), Seen: list(seen[0], "%"),
		Test: fmt.Sprintf("exact binomial, n = %d for each, the least of %d", tuneCalls, len(all)), P: stat.Bonferroni(failures...), Power: failurePower,
	})
	r.Judge(report.Verdict{
		Name: "held", Claim: "mean in flight = rate × E[min(latency, t)]", Expected: list(expected[1], "calls"), Seen: list(seen[1], "calls"),
		Test: fmt.Sprintf("Hoeffding's inequality, n = %d for each, the least of %d", tuneCalls, len(all)), P: stat.Bonferroni(means...), Power: meanPower,
	})
	heldFor := func(timeouts int, times []string) string {
		return fmt.Sprintf("%d timeouts; held for %s", timeouts, list(times, "units"))
	}
	r.Holds("hanging", "when it hangs, each call is held until it times out", heldFor(len(all)*tuneHung, expected[2]), heldFor(timeouts, seen[2]), hung)
}

func tunedLine(name string, all []tuned, y func(tuned) float64) report.Line {
	line := report.Line{Name: name, Style: report.Dots}
	for _, t := range all {
		line.XY = append(line.XY, report.Point{X: t.timeout, Y: y(t)})
	}
	return line
}

func theoryLine(name string, y func(float64) float64) report.Line {
	line := report.Line{Name: name, Style: report.Rule}
	for t := 0.05; t <= 5.2; t += 0.05 {
		line.XY = append(line.XY, report.Point{X: t, Y: y(t)})
	}
	return line
}

package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// Breaker threshold: the same noise and the same outage, for several thresholds of failures
// in a row.
const (
	thresholdNoise = 0.05 // of all calls fail, each on its own account
	thresholdEvery = 0.01 // units from one call to the next under noise
	thresholdOpen  = 0.5  // units for which it is open
	thresholdGap   = 0.1  // units from one call to the next in the outage
)

func thresholds() []int { return []int{1, 2, 4, 8} }

func breakerThreshold() Experiment {
	// So many that one in a row is as good as certain, at the level of all verdicts.
	calls := int(math.Ceil(math.Log(stat.Alpha) / math.Log(1-thresholdNoise)))
	return Experiment{
		Name:  "breaker-threshold",
		Claim: "Too low a threshold flaps, too high a one detects late",
		Lesson: "With k failures in a row, noise of share p opens a breaker about once in 1/pᵏ calls, so each step up makes false alarms rarer by a factor. " +
			"An outage is found after k failed calls, so each step up costs one call more, which against a service that hangs is one timeout more. " +
			"The trap is a threshold of one or two: the breaker then turns away far more calls than the noise fails.",
		Negatives: []Negative{
			{Name: "threshold-one", Fails: []string{"steady", "streaks", "detection"}}, // in truth, whatever is said
			{Name: "threshold-eight", Fails: []string{"flaps", "detection"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			r.Setup("breaker: opens after k failures in a row, k = %s, for %v, one probe", list(thresholds()), r.Units(thresholdOpen))
			r.Setup("for each k: %d calls, %d for the thresholds between, one every %v, of which %.0f %% fail, the same ones for every k; then an outage, a call every %v", calls, calls/3, r.Units(thresholdEvery), 100*thresholdNoise, r.Units(thresholdGap))
			var sweep []thresholdRun
			for _, k := range thresholds() {
				n := calls
				if k != slices.Min(thresholds()) && k != slices.Max(thresholds()) { // shown, not judged
					n /= 3
				}
				t, err := r.threshold(ctx, k, n)
				if err != nil {
					return err
				}
				sweep = append(sweep, t)
			}
			r.judgeThresholds(sweep, calls)
			for _, f := range thresholdFigures(r, sweep) {
				r.Figure(f)
			}
			return nil
		},
	}
}

// A thresholdRun is what one threshold came to.
type thresholdRun struct {
	k        int
	calls    int     // under noise
	opened   int     // times, under noise
	streaks  []int   // failures in a row when it opened, each time, also in the outage
	success  int     // of the calls under noise
	minutes  float64 // of noise
	failed   int     // calls in the outage until it opened; 0: it never did
	detected time.Duration
}

// threshold runs noise and an outage against a breaker that is closed with nothing counted
// when either begins.
func (r *Run) threshold(ctx context.Context, k, calls int) (thresholdRun, error) {
	t := thresholdRun{k: k, calls: calls}
	truth := k
	switch {
	case r.Negative("threshold-one"):
		truth = 1
	case r.Negative("threshold-eight"):
		truth = 8
	}
	doc := world.Doc{"failures": truth, "open_for": r.Units(thresholdOpen), "probes": 1}
	if err := r.SetPolicy(ctx, world.Doc{"order": []string{"breaker"}, "breaker": doc}); err != nil {
		return t, err
	}
	noise, err := r.against(ctx, "noise", thresholdNoise, paced(calls, r.Units(thresholdEvery)))
	if err != nil {
		return t, err
	}
	last := noise[len(noise)-1]
	t.success, t.streaks, t.minutes = succeeded(noise), streaks(noise), (last.Due + last.Latency).Minutes()
	t.opened = len(t.streaks)
	outage, err := r.against(ctx, "outage", 1, paced(k+1, r.Units(thresholdGap)))
	if err != nil {
		return t, err
	}
	t.streaks = append(t.streaks, streaks(outage)...)
	for i, s := range outage {
		if s.Breaker.State == "open" {
			t.failed, t.detected = i+1, s.Due+s.Latency
			break
		}
	}
	return t, nil
}

func (r *Run) against(ctx context.Context, group string, errorRate float64, due []time.Duration) ([]Sample, error) {
	if err := r.SetFaults(ctx, world.Doc{"error_rate": errorRate}); err != nil {
		return nil, err
	}
	if err := r.RenewBreakers(ctx); err != nil {
		return nil, err
	}
	return r.InTurn(ctx, r.Callers[:1], group, due, nil)
}

// streaks is how many calls in a row had failed each time that a closed breaker opened.
func streaks(samples []Sample) []int {
	var all []int
	row, state := 0, "closed"
	for _, s := range samples {
		switch {
		case s.OK():
			row = 0
		case s.Reached() > 0:
			row++
		}
		if now := s.Breaker.State; now == "open" && state == "closed" && s.Reached() > 0 {
			all = append(all, row)
		}
		if s.Breaker.State == "closed" && state != "closed" {
			row = 0
		}
		state = s.Breaker.State
	}
	return all
}

func (r *Run) judgeThresholds(sweep []thresholdRun, calls int) {
	low, high := sweep[0], sweep[len(sweep)-1]
	none := math.Pow(1-thresholdNoise, float64(calls)) // no call fails
	rule := math.Pow(thresholdNoise, float64(high.k))
	verdict := func(name, claim, expected string, opened int, p, power float64) {
		r.Judge(report.Verdict{
			Name: name, Claim: claim, Expected: expected, Seen: fmt.Sprintf("opened %d times in %d calls", opened, calls),
			Test: fmt.Sprintf("chance of a run of failures in n = %d", calls), P: p, Power: power,
		})
	}
	p := 1.0
	if low.opened == 0 {
		p = none
	}
	verdict("flaps", fmt.Sprintf("a threshold of %d opens under mere noise", low.k), "opens at least once", low.opened, p, 1-float64(calls)*rule)
	if p = 1; high.opened > 0 {
		p = min(1, float64(calls)*rule) // a run begins at one of the calls
	}
	verdict("steady", fmt.Sprintf("a threshold of %d does not open under noise", high.k), "never opens", high.opened, p, 1-none)

	wrong, seen := 0, 0
	var want, got []int
	for _, t := range sweep {
		for _, n := range t.streaks {
			if seen++; n != t.k {
				wrong++
			}
		}
		want, got = append(want, t.k), append(got, t.failed)
		r.Measure(fmt.Sprintf("availability under noise, threshold %d", t.k), 100*float64(t.success)/float64(t.calls), "%")
	}
	r.Holds("streaks", "opens when k calls have failed in a row, neither before nor after", fmt.Sprintf("0 of %d", seen),
		fmt.Sprintf("%d of %d otherwise", wrong, seen), wrong == 0 && seen > 0)
	r.Holds("detection", "an outage is found after k failed calls", list(want), list(got), list(want) == list(got))
}

// list writes numbers in a row.
func list(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}

package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// breaker: an outage, with a breaker that opens, and closes again when it is over.
func breaker() Experiment {
	const (
		failures = 5
		probes   = 2
		open     = 5.0 // all in units
		before   = 5.0
		outage   = 22.0
		after    = 12.0
		every    = 0.1
		calls    = int((before + outage + after) / every)
	)
	return Experiment{
		Name:  "breaker",
		Claim: "A breaker fails fast, and recovers by itself",
		Lesson: "While it is open, a dead dependency is asked by probes only and callers have their answer at once, instead of each finding out for itself. " +
			"It closes by itself, and at the latest one open time after the dependency is back: that is the price of a long open time.",
		Latency: true,
		Negatives: []Negative{
			{Name: "breaker-off", Fails: []string{"spared", "fast", "open time"}},
			{Name: "probes-late", Fails: []string{"recovery"}},   // open for three times as long as is said
			{Name: "probes-early", Fails: []string{"open time"}}, // for half as long
		},
		Run: func(ctx context.Context, r *Run) error {
			order := []string{"timeout", "breaker"}
			if r.Negative("breaker-off") {
				order = []string{"timeout"}
			}
			openFor := r.Units(open)
			switch {
			case r.Negative("probes-late"):
				openFor *= 3
			case r.Negative("probes-early"):
				openFor /= 2
			}
			err := r.SetPolicy(ctx, world.Doc{
				"order": order, "timeout": world.Doc{"limit": r.U},
				"breaker": world.Doc{"failures": failures, "open_for": openFor, "probes": probes},
			})
			if err != nil {
				return err
			}
			allowance, err := r.Allowance(ctx)
			if err != nil {
				return err
			}
			dead := world.Doc{"for": r.Units(outage), "error_rate": 1}
			if err := r.SetFaults(ctx, world.Doc{"schedule": []world.Doc{{"for": r.Units(before)}, dead}}); err != nil {
				return err
			}
			r.Setup("breaker: opens after %d failures in a row, for %v, %d probes; engines by turns", failures, r.Units(open), probes)
			r.Setup("flaky: good for %v, dead for %v, good again; a call every %v", r.Units(before), r.Units(outage), r.Units(every))
			samples, err := r.Calls(ctx, r.Caller(), "load", load.Plan{Calls: calls, Every: r.Units(every)}, func(i int) world.Call {
				return world.Call{Engine: engines()[i%2]}
			})
			if err != nil {
				return err
			}
			r.judgeBreaker(samples, breakerBounds{
				// Each engine sees every other call. What was under way when it opened may follow.
				failures: failures,
				asked:    failures + probes*int(math.Ceil(outage/open)),
				recovery: r.Units(open+float64(2*probes)*every) + allowance,
				recovers: r.Units(before + outage),
				open:     r.Units(open),
			})
			r.Figure(breakerFigure(r, samples, []report.Phase{{From: before, To: before + outage, Name: "dead"}}))
			return nil
		},
	}
}

type breakerBounds struct {
	failures           int // the threshold
	asked              int // calls that may reach the dead service, for each engine
	recovery, recovers time.Duration
	open               time.Duration
}

func (r *Run) judgeBreaker(samples []Sample, b breakerBounds) {
	asked, rejected, closed := map[string]int{}, []float64{}, map[string]time.Duration{}
	for _, s := range samples {
		switch {
		case s.Outcome == "rejected":
			rejected = append(rejected, s.ElapsedMS)
		case !s.OK():
			asked[s.Engine] += s.Reached()
		case s.Due >= b.recovers && s.Breaker.State == "closed" && closed[s.Engine] == 0:
			closed[s.Engine] = s.Due - b.recovers
		}
	}
	worst, latest := 0, time.Duration(0)
	for _, engine := range engines() {
		worst = max(worst, asked[engine])
		if closed[engine] == 0 {
			closed[engine] = samples[len(samples)-1].Due // it did not
		}
		latest = max(latest, closed[engine])
		r.Measure("closed again after recovery, "+engine, millis(closed[engine]), "ms")
	}
	r.Between("spared", "calls that reach the dead service: the threshold, and at most probes × ⌈outage/open⌉ more", float64(b.failures), float64(b.asked), float64(worst), "calls")
	r.AtMost("recovery", "closed again within open time + probes", millis(b.recovery), millis(latest), "ms")
	r.judgeOpenTime(samples, b.open)
	r.judgeFast("p99 of rejections ≤ timeout/100", "≤", millis(r.U)/100, rejected)
}

// judgeFast judges how long rejections took, in milliseconds. Where there are none, as without
// a breaker, that is a failure.
func (r *Run) judgeFast(claim, sign string, limit float64, took []float64) {
	if len(took) == 0 {
		r.Holds("fast", claim, "rejections", "none", false)
		return
	}
	slices.Sort(took)
	slow := 0
	for _, ms := range took {
		if ms > limit {
			slow++
		}
	}
	r.Judge(report.Verdict{
		Name: "fast", Claim: claim, Expected: sign + " " + quantity(limit, "ms"), Seen: quantity(stat.Quantile(took, 0.99), "ms"),
		Test: fmt.Sprintf("exact binomial: at most 1 %% are slower, n = %d", len(took)), P: stat.BinomialAtLeast(slow, len(took), 0.01), Power: 1,
	})
}

// judgeOpenTime looks at the shortest time between a call that found or made the breaker
// open and the next that was let through: from the begin of the one, before which it was not
// open, to the end of the other, after which it was not asked. Both are the client's times.
func (r *Run) judgeOpenTime(samples []Sample, open time.Duration) {
	shortest, seen := time.Duration(0), 0
	opener := map[string]time.Time{}
	for _, s := range samples {
		began, isOpen := opener[s.Engine]
		if isOpen && s.Outcome != "rejected" {
			if gap := s.Began.Add(s.Latency).Sub(began); seen == 0 || gap < shortest {
				shortest = gap
			}
			seen++
			delete(opener, s.Engine)
		}
		if _, isOpen := opener[s.Engine]; !isOpen && s.Breaker.State == "open" {
			opener[s.Engine] = s.Began
		}
	}
	if seen == 0 {
		r.Holds("open time", "nobody is let through before the open time is over", "≥ "+quantity(millis(open), "ms"), "it never opened", false)
		return
	}
	r.AtLeast("open time", "nobody is let through before the open time is over", millis(open), millis(shortest), "ms")
}

// engines are those that every experiment compares.
func engines() []string { return []string{world.Handrolled, world.Gobreaker} }

// breakerFigure shows the success rate over time, and below it the state of each breaker, as
// the answers tell.
func breakerFigure(r *Run, samples []Sample, phases []report.Phase) report.Figure {
	f := report.Figure{
		Name: "states", Title: "Success rate, and the breakers' states", Caption: "Closed, the breaker lets the outage through until it has seen enough; then callers are told at once, and probes find out when it is over.",
		X: report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "share of calls that succeed", Min: 0, Max: 1}, Phases: phases,
	}
	rate := report.Line{Name: "success rate", Style: report.Steps}
	for _, w := range windows(samples, r.U) {
		rate.XY = append(rate.XY, report.Point{X: r.InUnits(w.from), Y: w.success})
	}
	f.Lines = []report.Line{rate}
	for _, engine := range engines() {
		if row := stateRow(r, samples, engine); len(row.Bars) > 0 {
			f.Rows = append(f.Rows, row)
		}
	}
	return f
}

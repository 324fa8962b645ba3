package experiment

import (
	"context"
	"fmt"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// Breaker against limiter: either alone, before a service that is well and then dead.
const (
	limiterBurst    = 10
	limiterPer      = 10  // calls that the limiter lets through in a unit
	limiterTimes    = 3   // the load, of that
	limiterUnits    = 4.0 // each load takes
	limiterFailures = 5   // in a row open the breaker
	limiterCalls    = int(limiterUnits * limiterPer * limiterTimes)
	limiterRest     = 1.5 // units after which the limiter's bucket is full again
)

func breakerVsLimiter() Experiment {
	return Experiment{
		Name:  "breaker-vs-limiter",
		Claim: "A breaker and a rate limiter solve different problems",
		Lesson: "A limiter keeps callers from asking too much, whether the service is well or not; it goes on calling a dead one. A breaker spares a dead service, " +
			"and lets through whatever comes while it is well. The trap is to expect of a breaker that it prevents an overload: it opens when the harm is done.",
		Negatives: []Negative{
			{Name: "limiter-off", Fails: []string{"caps", "keeps calling"}},
			{Name: "breaker-off", Fails: []string{"spares"}},
			{Name: "swapped", Fails: []string{"caps", "keeps calling", "lets through", "spares"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			rate := limiterPer / r.U.Seconds()
			r.Setup("rate limiter: %.4g calls a second, %d at once; breaker: opens after %d failures in a row", rate, limiterBurst, limiterFailures)
			r.Setup("load: %d calls in %v, %d times as fast as the limiter allows, to a service that is well, then the same to a dead one; the policies one by one",
				limiterCalls, r.Units(limiterUnits), limiterTimes)
			limiter, breaker := "rate_limit", "breaker"
			switch {
			case r.Negative("limiter-off"):
				limiter = "none"
			case r.Negative("breaker-off"):
				breaker = "none"
			case r.Negative("swapped"):
				limiter, breaker = breaker, limiter
			}
			err := r.SetPolicy(ctx, world.Doc{
				"order": []string{}, "rate_limit": world.Doc{"rate": rate, "burst": limiterBurst},
				"breaker": world.Doc{"failures": limiterFailures, "open_for": r.Units(100)}, // longer than all of this
			})
			if err != nil {
				return err
			}
			limited, err := r.alone(ctx, "limiter", limiter)
			if err != nil {
				return err
			}
			broken, err := r.alone(ctx, "breaker", breaker)
			if err != nil {
				return err
			}
			// At least as many as the time of the load brings, whatever the burst is worth on a
			// busy machine; at most that of the time it really took, and the burst.
			least := float64(limiterPer) * limiterUnits * float64(limiterCalls-1) / float64(limiterCalls)
			between := func(name, claim string, s stretch) {
				r.Between(name, claim, least, limiterBurst+rate*s.took.Seconds(), float64(s.arrivals), "calls")
			}
			between("caps", "limiter, service well: calls that reach it = rate × time + up to a burst", limited.well)
			between("keeps calling", "limiter, service dead: just as many", limited.dead)
			r.Exactly("lets through", "breaker, service well: calls that reach it, all", limiterCalls, int(broken.well.arrivals))
			r.Exactly("spares", "breaker, service dead: calls that reach it = threshold", limiterFailures, int(broken.dead.arrivals))
			r.Figure(limiterFigure(r, limited, broken))
			return nil
		},
	}
}

// A stretch is one load.
type stretch struct {
	samples  []Sample
	took     time.Duration
	arrivals uint64 // at the dependency, as that says
}

// wellAndDead is one policy, alone.
type wellAndDead struct{ well, dead stretch }

func (r *Run) alone(ctx context.Context, name, order string) (both wellAndDead, err error) {
	if err := r.RenewBreakers(ctx); err != nil {
		return both, err
	}
	if both.well, err = r.stretch(ctx, name+"-well", order, 0); err != nil {
		return both, err
	}
	if err := r.Wait(ctx, r.Units(limiterRest)); err != nil {
		return both, err
	}
	both.dead, err = r.stretch(ctx, name+"-dead", order, 1)
	return both, err
}

func (r *Run) stretch(ctx context.Context, group, order string, errorRate float64) (s stretch, err error) {
	if err := r.SetFaults(ctx, world.Doc{"error_rate": errorRate}); err != nil {
		return s, err
	}
	before, err := r.Flaky.Stats(ctx, time.Second)
	if err != nil {
		return s, err
	}
	begin := time.Now()
	s.samples, err = r.InTurn(ctx, r.Callers[:1], group, paced(limiterCalls, r.Units(limiterUnits)/time.Duration(limiterCalls)), func(int) world.Call {
		return world.Call{Order: order}
	})
	if err != nil {
		return s, err
	}
	s.took = time.Since(begin)
	after, err := r.Flaky.Stats(ctx, time.Second)
	s.arrivals = after.Arrivals - before.Arrivals
	return s, err
}

func limiterFigure(r *Run, limited, broken wellAndDead) report.Figure {
	const dead = limiterUnits + limiterRest // begins
	f := report.Figure{
		Name: "arrivals", Title: "Calls that reach the dependency, behind a limiter and behind a breaker",
		Caption: fmt.Sprintf("The limiter holds its line whether the service lives or not; the breaker lets all through while it lives, and %d calls when it is dead.", limiterFailures),
		X:       report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "calls per attempt timeout", Min: 0, Max: limiterPer*limiterTimes + 5},
		Phases: []report.Phase{{From: dead, To: dead + limiterUnits, Name: "dead"}},
	}
	add := func(name string, w wellAndDead) {
		line := report.Line{Name: name, Style: report.Steps}
		for _, part := range []struct {
			from    float64
			samples []Sample
		}{{0, w.well.samples}, {dead, w.dead.samples}} {
			perUnit := make([]int, int(limiterUnits))
			for _, s := range part.samples {
				perUnit[int(r.InUnits(s.Due))] += s.Reached()
			}
			for i, n := range perUnit {
				line.XY = append(line.XY, report.Point{X: part.from + float64(i), Y: float64(n)})
			}
			line.XY = append(line.XY, report.Point{X: part.from + limiterUnits}) // nobody calls
		}
		f.Lines = append(f.Lines, line)
	}
	add("limiter", limited)
	add("breaker", broken)
	f.Lines = append(f.Lines, report.Line{Name: "load", Style: report.Rule, XY: []report.Point{{X: 0, Y: limiterPer * limiterTimes}, {X: dead + limiterUnits, Y: limiterPer * limiterTimes}}})
	return f
}

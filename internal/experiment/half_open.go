package experiment

import (
	"context"
	"fmt"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// Half-open: both breakers stand before the same dead dependency. One probes when its open
// time is over, the other simply closes.
const (
	halfOpenFailures = 5
	halfOpenProbes   = 2
	halfOpenOpen     = 3.0  // in units, as all that follows
	halfOpenLatency  = 0.5  // of every answer
	halfOpenEvery    = 0.02 // from one call of a wave to the next
	halfOpenWave     = 20   // calls that come when the open time is over, before the first answer
	halfOpenWaves    = 3
)

func halfOpen() Experiment {
	return Experiment{
		Name:  "half-open",
		Claim: "The probing state is what makes recovery safe",
		Lesson: "A breaker that closes when its time is up lets everybody through at once, each time, and finds out only when the first of them come back. " +
			"Half-open asks with a few calls and turns all others away until these have an answer. The trap is to take the state for a detail and leave it out.",
		Negatives: []Negative{
			{Name: "half-open-skipped", Fails: []string{"probes", "recovery"}},
			{Name: "half-open-twice", Fails: []string{"leak"}}, // also where it should close simply
		},
		Run: func(ctx context.Context, r *Run) error {
			err := r.SetPolicy(ctx, world.Doc{
				"order":   []string{"breaker"},
				"breaker": world.Doc{"failures": halfOpenFailures, "open_for": r.Units(halfOpenOpen), "probes": halfOpenProbes},
			})
			if err != nil {
				return err
			}
			if err := r.SetFaults(ctx, world.Doc{"error_rate": 1, "latency": world.Doc{"value": r.Units(halfOpenLatency)}}); err != nil {
				return err
			}
			r.Setup("breaker: opens after %d failures in a row, for %v, %d probes", halfOpenFailures, r.Units(halfOpenOpen), halfOpenProbes)
			r.Setup("flaky: dead, and every error takes %v", r.Units(halfOpenLatency))
			r.Setup("load: each time that the breaker's open time is over, %d calls, one every %v", halfOpenWave, r.Units(halfOpenEvery))
			r.Setup("beside it a breaker that simply closes: opened by hand when its open time is over, and given back to its own control, which begins closed")
			probing := &recovery{r: r, name: "half-open", engine: world.Handrolled, simply: r.Negative("half-open-skipped")}
			simple := &recovery{r: r, name: "simply closed", engine: world.Gobreaker, simply: !r.Negative("half-open-twice")}
			if err := sideBySide(func() error { return probing.run(ctx) }, func() error { return simple.run(ctx) }); err != nil {
				return err
			}
			claim := "calls that reach the still dead service in a period, with half-open: its probes"
			r.Between("probes", claim, 1, halfOpenProbes, float64(probing.most()), "calls")
			claim = "calls that reach it in a period, closed simply: at least the threshold, and whoever comes before the first failures are back"
			r.AtLeast("leak", claim, halfOpenFailures, float64(simple.least()), "calls")
			if err := probing.heal(ctx); err != nil {
				return err
			}
			r.Figure(halfOpenFigure(probing, simple))
			return nil
		},
	}
}

// A recovery is one breaker before a dependency that does not recover.
type recovery struct {
	r            *Run
	name, engine string
	simply       bool // closes when its time is up, instead of probing
	waves        [][]Sample
}

// run opens the breaker, then sends a wave each time that its open time is over. It waits
// from when the last call of a wave has ended, so that no call comes near the end.
func (b *recovery) run(ctx context.Context) error {
	call := func(int) world.Call { return world.Call{Engine: b.engine} }
	_, err := b.r.Calls(ctx, b.r.Caller(), b.engine+"-begin", load.Plan{Calls: halfOpenFailures, Every: b.r.Units(halfOpenEvery)}, call)
	if err != nil {
		return err
	}
	for i := range halfOpenWaves {
		if err := b.rest(ctx); err != nil {
			return err
		}
		plan := load.Plan{Calls: halfOpenWave, Every: b.r.Units(halfOpenEvery)}
		wave, err := b.r.Calls(ctx, b.r.Caller(), fmt.Sprintf("%s-%d", b.engine, i), plan, call)
		if err != nil {
			return err
		}
		b.waves = append(b.waves, wave)
	}
	return nil
}

// rest waits until the open time is over, and closes what closes simply. By hand that takes
// two steps: what is under its own control already is left as it is.
func (b *recovery) rest(ctx context.Context) error {
	if err := b.r.Wait(ctx, b.r.Units(halfOpenOpen)); err != nil || !b.simply {
		return err
	}
	for _, mode := range []string{"open", "auto"} {
		if err := b.r.Caller().Breaker(ctx, b.engine, mode); err != nil {
			return err
		}
	}
	return nil
}

func (b *recovery) most() int {
	n := 0
	for _, wave := range b.waves {
		n = max(n, reached(wave))
	}
	return n
}

func (b *recovery) least() int {
	n := halfOpenWave
	for _, wave := range b.waves {
		n = min(n, reached(wave))
	}
	return n
}

// heal mends the dependency and judges how many good answers it takes to close.
func (b *recovery) heal(ctx context.Context) error {
	if err := b.r.SetFaults(ctx, world.Doc{}); err != nil {
		return err
	}
	if err := b.rest(ctx); err != nil {
		return err
	}
	due := paced(2*halfOpenProbes, b.r.Units(halfOpenEvery))
	samples, err := b.r.InTurn(ctx, b.r.Callers[:1], b.engine+"-good", due, func(int) world.Call { return world.Call{Engine: b.engine} })
	if err != nil {
		return err
	}
	needed := 0
	for i, s := range samples {
		if s.Breaker.State == "closed" {
			needed = i + 1
			break
		}
	}
	b.r.Exactly("recovery", "once the service is well, closed after as many good answers as there are probes", halfOpenProbes, needed)
	return nil
}

func halfOpenFigure(breakers ...*recovery) report.Figure {
	f := report.Figure{
		Name: "leaked", Title: "Calls that reach a dead service each time the open time is over",
		Caption: fmt.Sprintf("Of %d calls that come then, half-open lets its probes through; a breaker that simply closes lets through all that come before it knows better.", halfOpenWave),
		X:       report.Axis{Label: "open times that are over", Min: 0, Max: halfOpenWaves + 1},
		Y:       report.Axis{Label: "calls that reach the dead service", Min: 0, Max: halfOpenWave + 2},
	}
	for i, b := range breakers {
		bars := report.Line{Name: b.name, Style: report.Bars}
		for n, wave := range b.waves { // beside each other
			bars.XY = append(bars.XY, report.Point{X: float64(n+1) + 0.3*(float64(i)-0.5), Y: float64(reached(wave))})
		}
		f.Lines = append(f.Lines, bars)
	}
	rule := func(name string, y float64) {
		f.Lines = append(f.Lines, report.Line{Name: name, Style: report.Rule, XY: []report.Point{{X: 0, Y: y}, {X: halfOpenWaves + 1, Y: y}}})
	}
	rule("probes", halfOpenProbes)
	rule("threshold", halfOpenFailures)
	return f
}

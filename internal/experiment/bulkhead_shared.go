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
	"reliability/services/caller"
)

// A shared is one caller, and two routes that share it.
type shared struct {
	*Run
	name     string
	bulkhead bool

	began            time.Time
	orders           []Sample // all, due since began
	during           []Sample // those while the other route hangs
	trouble          report.Phase
	running, atFlaky int            // calls, when those that hang had their places
	whole            bool           // they hung until the last of these orders was done
	inFlight         []report.Point // calls in caller over time
}

// run makes orders before, while and after the other route hangs. It goes by what caller
// says of itself, not by the clock, so that a busy machine changes nothing.
func (s *shared) run(ctx context.Context) error {
	order := []string{}
	if s.bulkhead {
		order = []string{"bulkhead"}
	}
	err := s.SetPolicy(ctx, world.Doc{"order": order, "bulkhead": world.Doc{"max_concurrent": bulkheadSize}})
	if err != nil {
		return err
	}
	s.began = time.Now()
	done := make(chan struct{})
	return sideBySide(
		func() error { return s.watch(ctx, done) },
		func() error {
			defer close(done)
			return s.story(ctx)
		},
	)
}

func (s *shared) story(ctx context.Context) error {
	if _, err := s.pay(ctx, "before", bulkheadBefore); err != nil {
		return err
	}
	s.trouble = report.Phase{From: s.InUnits(time.Since(s.began)), Name: "one route hangs"}
	before, err := s.Caller().State(ctx)
	if err != nil {
		return err
	}
	if err := sideBySide(func() error { return s.hang(ctx) }, func() error { return s.beside(ctx, before) }); err != nil {
		return err
	}
	s.trouble.To = s.InUnits(time.Since(s.began))
	_, err = s.pay(ctx, "after", bulkheadAfter)
	return err
}

// hang makes the calls that hang, and returns when their clients have given up.
func (s *shared) hang(ctx context.Context) error {
	plan := load.Plan{Calls: bulkheadHanging, Every: s.Units(bulkheadBurst)}
	_, err := s.Calls(ctx, s.Caller(), s.name+"-hanging", plan, func(int) world.Call {
		return world.Call{Engine: world.Handrolled, Deadline: s.Units(bulkheadHang)}
	})
	return err
}

// beside makes orders once all calls that hang have come, and have a place or none.
func (s *shared) beside(ctx context.Context, before caller.State) error {
	late := time.Now().Add(s.Units(bulkheadHang))
	var state caller.State
	for {
		if err := s.Wait(ctx, s.Units(bulkheadEvery)); err != nil {
			return err
		}
		var err error
		if state, err = s.Caller().State(ctx); err != nil {
			return err
		}
		if state.Front.Running+turnedAway(state)-turnedAway(before) >= bulkheadHanging {
			break
		}
		if time.Now().After(late) { // they have not all come in the time for which they hang
			return nil
		}
	}
	var err error
	if s.during, err = s.pay(ctx, "during", bulkheadDuring); err != nil {
		return err
	}
	stats, err := s.Flaky.Stats(ctx, time.Second)
	if err != nil {
		return err
	}
	after, err := s.Caller().State(ctx)
	s.running, s.atFlaky, s.whole = after.Front.Running, stats.InFlight, after.Front.Running == state.Front.Running
	return err
}

// turnedAway is how many calls to the route that hangs found no place, in caller or in
// their compartment.
func turnedAway(state caller.State) int {
	return int(state.Front.Full + state.Engines[world.Handrolled].Outcomes["rejected"])
}

// pay makes orders, one after the other.
func (s *shared) pay(ctx context.Context, when string, n int) ([]Sample, error) {
	since := time.Since(s.began)
	group := s.name + "-" + when
	samples, err := s.InTurn(ctx, s.Callers[:1], group, paced(n, s.Units(bulkheadEvery)), func(i int) world.Call {
		return world.Call{Engine: world.Gobreaker, Payment: &world.Payment{Order: fmt.Sprintf("%s-%d", group, i), Amount: 1}}
	})
	for i := range samples {
		samples[i].Due += since
	}
	s.orders = append(s.orders, samples...)
	return samples, err
}

// watch notes how many calls there are in caller, until done is closed.
func (s *shared) watch(ctx context.Context, done <-chan struct{}) error {
	tick := time.NewTicker(s.Units(2 * bulkheadEvery))
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		state, err := s.Caller().State(ctx)
		if err != nil {
			return err
		}
		s.inFlight = append(s.inFlight, report.Point{X: s.InUnits(time.Since(s.began)), Y: float64(state.Front.Running)})
	}
}

// median is the time of an order while the other route hangs, in milliseconds. One that was
// turned away is never done.
func (s *shared) median() float64 {
	times := make([]float64, len(s.during))
	for i, order := range s.during {
		times[i] = math.Inf(1)
		if order.OK() {
			times[i] = millis(order.Latency)
		}
	}
	slices.Sort(times)
	return stat.Quantile(times, 0.5)
}

func bulkheadFigures(r *Run, all ...*shared) []report.Figure {
	axis := report.Axis{Label: "time (attempt timeouts)"}
	success := report.Figure{
		Name: "success", Title: "Orders that succeed, while calls to another route hang",
		Caption: "Without a bulkhead the route that is well has no place left; with one it does not notice.",
		X:       axis, Y: report.Axis{Label: "share of orders that succeed", Min: 0, Max: 1},
	}
	running := report.Figure{
		Name: "in-flight", Title: "Calls at once in caller", Caption: "Without a bulkhead calls that hang take every place; with one they take no more than their compartment.",
		X: axis, Y: report.Axis{Label: "calls", Min: 0, Max: bulkheadPlaces + 5},
		Lines: []report.Line{{Name: "places", Style: report.Rule, XY: []report.Point{{Y: bulkheadPlaces}, {X: all[0].trouble.To, Y: bulkheadPlaces}}}},
	}
	for _, s := range all {
		line := report.Line{Name: s.name + " a bulkhead", Style: report.Steps}
		for _, w := range windows(s.orders, r.Units(4*bulkheadEvery)) {
			line.XY = append(line.XY, report.Point{X: r.InUnits(w.from), Y: w.success})
		}
		success.Lines = append(success.Lines, line)
		running.Lines = append(running.Lines, report.Line{Name: line.Name, Style: report.Steps, XY: s.inFlight})
		success.Phases, running.Phases = []report.Phase{s.trouble}, []report.Phase{s.trouble}
	}
	return []report.Figure{success, running}
}

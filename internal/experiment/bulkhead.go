package experiment

import (
	"context"
	"fmt"

	"reliability/internal/experiment/world"
)

// Bulkhead: one of two routes hangs, and both share the places that caller has for clients.
const (
	bulkheadPlaces  = 40   // that caller has
	bulkheadSize    = 10   // of the compartment that each route has
	bulkheadHanging = 60   // calls to the route that hangs
	bulkheadBurst   = 0.01 // units from one of them to the next
	bulkheadHang    = 7.0  // units until their clients give up
	bulkheadEvery   = 0.05 // from one order to the next
	bulkheadBefore  = 20   // orders before the trouble
	bulkheadDuring  = 40
	bulkheadAfter   = 10
)

func bulkhead() Experiment {
	return Experiment{
		Name:  "bulkhead",
		Claim: "One slow dependency can exhaust everything",
		Lesson: "Calls that hang keep their places, and soon there is none left for calls to what is well. A compartment for each dependency bounds what one can take. " +
			"The trap is to look at the errors only: nothing fails here, it just does not end, and the healthy route is the one that suffers.",
		Latency: true,
		Setup:   world.Setup{MaxInFlight: bulkheadPlaces},
		Negatives: []Negative{
			{Name: "bulkhead-off", Fails: []string{"kept", "latency", "bounded", "spared"}},
			{Name: "bulkhead-always", Fails: []string{"starved", "exhausted"}}, // also where there should be none
		},
		Run: func(ctx context.Context, r *Run) error {
			allowance, err := r.Allowance(ctx)
			if err != nil {
				return err
			}
			r.Setup("caller has %d places for calls; with the bulkhead, each route has a compartment of %d", bulkheadPlaces, bulkheadSize)
			r.Setup("%d orders, one every %v; then %d calls to a route that hangs, one every %v, whose clients give up after %v; while they hang, %d orders; afterwards %d more",
				bulkheadBefore, r.Units(bulkheadEvery), bulkheadHanging, r.Units(bulkheadBurst), r.Units(bulkheadHang), bulkheadDuring, bulkheadAfter)
			if err := r.SetFaults(ctx, world.Doc{"hang": world.Doc{"rate": 1}, "only": "work"}); err != nil {
				return err
			}
			without := &shared{Run: r, name: "without", bulkhead: r.Negative("bulkhead-always")}
			with := &shared{Run: r, name: "with", bulkhead: !r.Negative("bulkhead-off")}
			for _, s := range []*shared{without, with} {
				if err := s.run(ctx); err != nil {
					return err
				}
			}
			if !without.whole || !with.whole {
				r.Inconclusive("precondition", "the calls that hang outlast the orders", fmt.Sprintf("they ended after %v, before the last order did", r.Units(bulkheadHang)))
				return nil
			}
			r.Exactly("exhausted", "without: calls at once in caller, none of them an order", bulkheadPlaces, without.running)
			r.Exactly("starved", "without: orders that succeed while the other route hangs", 0, succeeded(without.during))
			r.Exactly("kept", "with: orders that succeed while the other route hangs, all", bulkheadDuring, succeeded(with.during))
			r.Exactly("bounded", "with: calls at once in caller, none of them an order", bulkheadSize, with.running)
			r.Exactly("spared", "with: requests that hang at the dependency", bulkheadSize, with.atFlaky)
			median := with.median()
			r.Holds("latency", "with: median time of an order while the other route hangs, at most p99.9 of calls when nothing is wrong", "≤ "+quantity(millis(allowance), "ms"),
				quantity(median, "ms"), median <= millis(allowance))
			for _, f := range bulkheadFigures(r, without, with) {
				r.Figure(f)
			}
			return nil
		},
	}
}

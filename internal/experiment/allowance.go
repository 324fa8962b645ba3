package experiment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// Allowance is by how much later than they should things may happen in this world: what a
// call takes when nothing is wrong, at its 99.9th percentile, measured here and now. In
// virtual time that is nothing. It must be asked for before faults are put in force.
func (r *Run) Allowance(ctx context.Context) (time.Duration, error) {
	if r.World.Virtual() {
		return 0, nil // the virtual clock stands still while anything is done
	}
	const calls, clients = 1000, 2
	latencies := make([]float64, calls)
	errs := make([]error, clients)
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := client; i < calls; i += clients {
				done := r.Caller().Call(ctx, world.Call{Order: "none"})
				if !done.OK() {
					errs[client] = cmp.Or(done.Err, fmt.Errorf("a call to a healthy dependency was answered %d: %s", done.Status, done.Outcome))
					return
				}
				latencies[i] = float64(done.Latency)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	slices.Sort(latencies)
	allowance := time.Duration(stat.Quantile(latencies, 0.999))
	r.Measure("allowance: p99.9 of calls without faults", millis(allowance), "ms")
	return allowance, nil
}

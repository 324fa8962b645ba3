// Package load makes calls at a rate, whether or not earlier ones are done, as clients do
// that do not know of each other. A closed loop would slow down with the service, and hide
// how slow it is: coordinated omission (Tene, How NOT to Measure Latency, 2013).
package load

import (
	"context"
	"sync"
	"time"
)

// A Plan says when calls are due.
type Plan struct {
	Calls int
	Every time.Duration // time from one to the next; 0: all at once
}

// Run begins each call when it is due, in a goroutine of its own, and returns when all have
// ended. Call is told the call's number from 0, and when it was due: who measures from then
// leaves nothing out. When ctx ends, no further call begins and Run returns its error.
func (p Plan) Run(ctx context.Context, call func(i int, due time.Time)) error {
	begin := time.Now()
	var running sync.WaitGroup
	defer running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range p.Calls {
		due := begin.Add(time.Duration(i) * p.Every)
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		running.Go(func() { call(i, due) })
	}
	return nil
}

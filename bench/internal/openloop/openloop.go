// Package openloop makes calls at moments that do not depend on how the calls before went,
// as many clients of one service do. So a call that is late because the service is slow is
// slow, and not left out.
package openloop

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A Load is calls at a rate.
type Load struct {
	Rate    float64    // a second
	Poisson *rand.Rand // whose arrivals are Poisson's; nil: evenly
	Most    int64      // at a time; what would be beyond is not made, and counted. 0: no limit
}

// gap is the time to the next call.
func (l Load) gap() time.Duration {
	mean := float64(time.Second) / l.Rate
	if l.Poisson != nil {
		mean *= l.Poisson.ExpFloat64()
	}
	return time.Duration(mean)
}

// Run makes calls for d, each in a goroutine with the moment at which it was to begin, and
// returns when all have returned. ctx ends it early.
func (l Load) Run(ctx context.Context, d time.Duration, call func(ctx context.Context, begin time.Time)) (withheld int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var running atomic.Int64
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := begin.Add(l.gap()); next.Sub(begin) < d; next = next.Add(l.gap()) {
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return withheld
		}
		if l.Most > 0 && running.Load() >= l.Most {
			withheld++
			continue
		}
		running.Add(1)
		wg.Go(func() {
			defer running.Add(-1)
			call(ctx, next)
		})
	}
	timer.Reset(time.Until(begin.Add(d)))
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return withheld
}

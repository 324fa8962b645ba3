package fleet

import (
	"context"
	"sync"
	"time"

	"reliability/pkg/resilience"
)

// Times are when things happen, counted from the begin.
type Times struct {
	Period  time.Duration // from one call of a caller to its next
	Latency time.Duration // of the dependency
	Stall   time.Duration
	Down    time.Duration
	Back    time.Duration
	End     time.Duration
}

// A Policy is that of every caller.
type Policy struct {
	Attempts  int
	Base, Max time.Duration
	Jitter    resilience.Jitter
	Timeout   time.Duration
	Budget    bool
	Burst     int
	Ratio     float64
	Breaker   bool
	Failures  int
	OpenFor   time.Duration
	Probes    int
}

// longest is how long the back-offs of a call last at most.
func (p Policy) longest() time.Duration { return time.Duration(p.Attempts) * p.Max }

// A Result is what a fleet has done.
type Result struct {
	Callers  []Caller
	Arrivals []int         // at the dependency, one for each bucket from the begin
	Closed   time.Duration // after it was back, until the last breaker had closed; 0 without breakers
	Open     int           // breakers that are not closed at the end
}

// Sum adds up what the callers have counted.
func (r Result) Sum() Caller {
	var all Caller
	for _, c := range r.Callers {
		all.Paid += c.Paid
		all.Stalled += c.Stalled
		all.Failed += c.Failed
		all.Attempts += c.Attempts
		all.Retries += c.Retries
		all.Success += c.Success
	}
	return all
}

// Fullest is the most arrivals in one bucket between two moments.
func (r Result) Fullest(from, to time.Duration) int {
	most := 0
	for i := int(from / BucketWidth); i < min(int(to/BucketWidth), len(r.Arrivals)); i++ {
		most = max(most, r.Arrivals[i])
	}
	return most
}

// A run is a fleet at work.
type run struct {
	Times
	policy     Policy
	seed       uint64
	dependency *dependency
}

// Run lets n callers work until the end. It must be called in a bubble of
// [testing/synctest].
func Run(ctx context.Context, n int, seed uint64, t Times, p Policy) (Result, error) {
	r := &run{Times: t, policy: p, seed: seed, dependency: newDependency(t)}
	callers := make([]*caller, n)
	for i := range callers {
		var err error
		if callers[i], err = newCaller(r, i); err != nil {
			return Result{}, err
		}
	}
	var all sync.WaitGroup
	for _, c := range callers {
		all.Go(func() { c.work(ctx) })
	}
	all.Wait()
	result := Result{Callers: make([]Caller, n), Arrivals: make([]int, int(t.End/BucketWidth)+1)}
	for i, c := range callers {
		result.Callers[i] = c.counts
		if c.breaker != nil {
			result.Closed = max(result.Closed, c.closed-t.Back)
			if c.breaker.State() != resilience.Closed {
				result.Open++
			}
		}
	}
	for bucket, count := range r.dependency.arrivals {
		if bucket < len(result.Arrivals) {
			result.Arrivals[bucket] = count
		}
	}
	return result, ctx.Err()
}

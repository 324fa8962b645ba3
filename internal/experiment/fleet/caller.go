package fleet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"reliability/internal/draw"
	"reliability/pkg/resilience"
)

// A caller is one process: its own breaker, its own budget.
type caller struct {
	name    string
	handler resilience.Handler
	breaker resilience.Breaker // nil: none
	fleet   *run

	mu     sync.Mutex // protects what follows
	opened bool
	closed time.Duration // when it closed last
	counts Caller
}

// Caller is what one caller has counted.
type Caller struct {
	Paid     int // failures before its breaker opened for the first time
	Stalled  int // requests that were there when the dependency went down
	Failed   int // calls due while it was down
	Attempts int // of these calls
	Retries  int // of all its calls
	Success  int // calls, all
}

func newCaller(r *run, i int) (*caller, error) {
	c := &caller{name: fmt.Sprintf("caller-%d", i), fleet: r}
	p := r.policy
	retry := resilience.RetryConfig{
		MaxAttempts: p.Attempts, Base: p.Base, Max: p.Max, Jitter: p.Jitter,
		Rand: func(ctx context.Context, attempt int) float64 {
			return draw.ByName(r.seed, "back-off", c.name, fmt.Sprint(ctx.Value(callKey{}), " ", attempt))
		},
	}
	var err error
	if p.Budget {
		if retry.Budget, err = resilience.NewRetryBudget(resilience.RetryBudgetConfig{Burst: p.Burst, Ratio: p.Ratio}); err != nil {
			return nil, err
		}
	}
	policies := []resilience.Policy{resilience.Retry(retry), resilience.Timeout(resilience.TimeoutConfig{Limit: p.Timeout})}
	if p.Breaker {
		c.breaker, err = resilience.NewBreaker(resilience.BreakerConfig{
			Name: c.name, Failures: p.Failures, OpenFor: p.OpenFor, Probes: p.Probes, Observer: resilience.ObserverFunc(c.observe),
		})
		if err != nil {
			return nil, err
		}
		policies = append(policies, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: c.breaker}))
	}
	c.handler, err = resilience.Chain(policies...)
	return c, err
}

func (c *caller) observe(_ context.Context, e resilience.Event) {
	if e.Kind != resilience.EventTransition {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.Transition.To {
	case resilience.Open:
		c.opened = true
	case resilience.Closed:
		c.closed = time.Since(c.fleet.dependency.begin)
	}
}

type callKey struct{}

// work makes calls, one each period from a moment of its own in the first, until the end.
func (c *caller) work(ctx context.Context) {
	times := c.fleet.Times
	var calls sync.WaitGroup
	defer calls.Wait()
	phase := time.Duration(draw.ByName(c.fleet.seed, "phase", c.name, "") * float64(times.Period))
	for n := 0; ; n++ {
		at := phase + time.Duration(n)*times.Period
		if at >= times.End {
			return
		}
		if sleep(ctx, time.Until(c.fleet.dependency.begin.Add(at))) != nil {
			return
		}
		calls.Go(func() { c.call(context.WithValue(ctx, callKey{}, n), at) })
	}
}

func (c *caller) call(ctx context.Context, due time.Duration) {
	attempts := 0 // which follow one another
	err := c.handler(ctx, func(ctx context.Context) error {
		attempts++
		stalled, err := c.fleet.dependency.serve(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		if stalled {
			c.counts.Stalled++
		}
		if err != nil && !c.opened {
			c.counts.Paid++
		}
		return err
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Retries += max(0, attempts-1)
	if err == nil {
		c.counts.Success++
	}
	// A call that may still have been waiting when the dependency came back is left out.
	if times := c.fleet.Times; due >= times.Down && due < times.Back-c.fleet.policy.longest() {
		c.counts.Failed++
		c.counts.Attempts += attempts
	}
}

package resilience_test

import (
	"context"
	"testing"
	"time"

	"reliability/pkg/resilience"
)

// succeed is an operation that costs nothing: what is measured is the protection.
func succeed(context.Context) error { return nil }

// allocations fails if one call of f allocates more than it may.
func allocations(t *testing.T, name string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(1000, f); got > most {
		t.Errorf("%s allocates %v times per call; want %v at most", name, got, most)
	}
}

func breakerConfigs() map[string]resilience.BreakerConfig {
	return map[string]resilience.BreakerConfig{
		"consecutive":     {},
		"window of calls": {FailureRate: 0.5, WindowCalls: 100},
		"window of time":  {FailureRate: 0.5},
		"slow calls":      {FailureRate: 0.5, SlowRate: 0.5, SlowAfter: time.Second},
	}
}

func TestAClosedBreakerAllocatesNothing(t *testing.T) {
	ctx := context.Background()
	for name, cfg := range breakerConfigs() {
		b, err := resilience.NewBreaker(cfg)
		if err != nil {
			t.Fatal(err)
		}
		h := chain(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))
		allocations(t, name+", raw", 0, func() {
			p, _ := b.Acquire(ctx)
			p.Done(ctx, resilience.Success, nil)
		})
		allocations(t, name+", through a chain", 0, func() { _ = h(ctx, succeed) })
	}
}

func TestARejectionAllocatesNothing(t *testing.T) {
	ctx := context.Background()
	b, err := resilience.NewBreaker(resilience.BreakerConfig{OpenFor: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p, _ := b.Acquire(ctx)
		p.Done(ctx, resilience.Failure, nil)
	}
	h := chain(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))
	allocations(t, "a rejection", 0, func() {
		if err := h(ctx, succeed); err == nil {
			t.Fatal("not rejected")
		}
	})
}

func TestAChainWithoutTimeoutAllocatesNothing(t *testing.T) {
	ctx := context.Background()
	b, err := resilience.NewBreaker(resilience.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := resilience.NewCompartment(resilience.CompartmentConfig{MaxConcurrent: 10, MaxQueue: 10})
	if err != nil {
		t.Fatal(err)
	}
	budget, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h := chain(t,
		resilience.Fallback(resilience.FallbackConfig{Answer: func(_ context.Context, err error) error { return err }}),
		resilience.Retry(resilience.RetryConfig{Budget: budget, MaxElapsed: time.Minute}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}),
		resilience.Bulkhead(c),
		resilience.RateLimit(resilience.RateLimitConfig{Limiter: always{}}),
	)
	allocations(t, "the chain", 0, func() { _ = h(ctx, succeed) })
	one := func(context.Context) (int, error) { return 1, nil }
	allocations(t, "Do", 2, func() { _, _ = resilience.Do(ctx, h, one) })
}

type always struct{}

func (always) Allow() bool { return true }

func TestATimeoutAllocatesWhatContextDoes(t *testing.T) {
	ctx := context.Background()
	b, err := resilience.NewBreaker(resilience.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h := chain(t,
		resilience.Retry(resilience.RetryConfig{}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}),
	)
	bare := testing.AllocsPerRun(1000, func() {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		_ = succeed(ctx)
		cancel()
	})
	allocations(t, "the default order", bare, func() { _ = h(ctx, succeed) })
}

package main

import (
	"context"
	"log"
	"time"

	"reliability/pkg/resilience"
)

func newWorker(q *queue, out *log.Logger) (*worker, error) {
	budget, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{Burst: 3, Ratio: 0.1})
	if err != nil {
		return nil, err
	}
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{
		Name: "mail", Failures: 5, OpenFor: 2 * time.Second, Observer: observe(out),
	})
	if err != nil {
		return nil, err
	}
	mails, err := resilience.Chain(
		resilience.Retry(resilience.RetryConfig{MaxAttempts: 3, Budget: budget, Observer: observe(out)}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker, Classify: blame}),
	)
	if err != nil {
		return nil, err
	}
	profiles, err := resilience.Chain(
		resilience.Fallback(resilience.FallbackConfig{
			Answer:   func(ctx context.Context, _ error) error { return resilience.Supply(ctx, "en") },
			Observer: observe(out),
		}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: 100 * time.Millisecond}),
	)
	return &worker{queue: q, out: out, profiles: profiles, mails: mails}, err
}

// blame: what is wrong with one job says nothing bad about the dependency.
func blame(_ context.Context, err error) resilience.Outcome {
	if resilience.IsPermanent(err) {
		return resilience.Success
	}
	return resilience.Failure
}

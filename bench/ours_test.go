package bench

import (
	"context"
	"testing"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/sonybreaker"
)

// handrolled is our breaker as it is used: through a chain.
func handrolled(cfg resilience.BreakerConfig) func(testing.TB) subject {
	return func(tb testing.TB) subject {
		breaker, err := resilience.NewBreaker(cfg)
		return ours(tb, breaker, err, breakerPolicy(breaker))
	}
}

// sony is the same with gobreaker deciding.
func sony(cfg resilience.BreakerConfig) func(testing.TB) subject {
	return func(tb testing.TB) subject {
		breaker, err := sonybreaker.New(cfg)
		return ours(tb, breaker, err, breakerPolicy(breaker))
	}
}

// raw is our breaker without a chain, and its loop without an operation: what Acquire and
// Done cost by themselves.
func raw(cfg resilience.BreakerConfig) func(testing.TB) subject {
	return func(tb testing.TB) subject {
		breaker, err := resilience.NewBreaker(cfg)
		if err != nil {
			tb.Fatal(err)
		}
		return subject{
			call: func(ctx context.Context, op resilience.Op) error {
				permit, err := breaker.Acquire(ctx)
				if err != nil {
					return err
				}
				err = op(ctx)
				permit.Done(ctx, outcome(err), err)
				return err
			},
			loop: func(ctx context.Context, n int) (failed int) {
				for range n {
					permit, err := breaker.Acquire(ctx)
					if err != nil {
						failed++
						continue
					}
					if !permit.Done(ctx, resilience.Success, nil) {
						failed++
					}
				}
				return failed
			},
			state: func() string { return breaker.State().String() },
		}
	}
}

func outcome(err error) resilience.Outcome {
	if err != nil {
		return resilience.Failure
	}
	return resilience.Success
}

func breakerPolicy(b resilience.Breaker) resilience.Policy {
	return resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})
}

// ours is a chain of ours. breaker, the one in it, may be nil; err is its constructor's.
func ours(tb testing.TB, breaker resilience.Breaker, err error, policies ...resilience.Policy) subject {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	handler, err := resilience.Chain(policies...)
	if err != nil {
		tb.Fatal(err)
	}
	s := subject{
		call: handler,
		loop: func(ctx context.Context, n int) (failed int) {
			for range n {
				if err := handler(ctx, succeed); err != nil {
					failed++
				}
			}
			return failed
		},
	}
	if breaker != nil {
		s.state = func() string { return breaker.State().String() }
	}
	return s
}

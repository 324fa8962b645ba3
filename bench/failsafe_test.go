package bench

import (
	"context"
	"testing"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"reliability/pkg/resilience"
)

// failsafeBreaker is failsafe-go with a breaker alone. Its executor is built once and gets
// no context, which would cost it a copy for each call: gobreaker gets none either.
func failsafeBreaker(build func(circuitbreaker.Builder[any]) circuitbreaker.Builder[any]) func(testing.TB) subject {
	return func(testing.TB) subject {
		cb := build(circuitbreaker.NewBuilder[any]()).Build()
		executor := failsafe.With[any](cb)
		return subject{
			call: func(ctx context.Context, op resilience.Op) error {
				return executor.Run(func() error { return op(ctx) })
			},
			loop: func(_ context.Context, n int) (failed int) {
				for range n {
					if err := executor.Run(succeedBare); err != nil {
						failed++
					}
				}
				return failed
			},
			state: func() string { return cb.State().String() },
		}
	}
}

// failsafePolicies is failsafe-go where the operation's context matters: to end the waiting
// between attempts, or to carry a deadline. A call's context is an executor's, so that
// each call has one of its own.
func failsafePolicies(state func() string, policies ...failsafe.Policy[any]) subject {
	executor := failsafe.With(policies...)
	return subject{
		call: func(ctx context.Context, op resilience.Op) error {
			return executor.WithContext(ctx).RunWithExecution(func(e failsafe.Execution[any]) error { return op(e.Context()) })
		},
		loop: func(ctx context.Context, n int) (failed int) {
			for range n {
				if err := executor.WithContext(ctx).RunWithExecution(succeedExecution); err != nil {
					failed++
				}
			}
			return failed
		},
		state: state,
	}
}

func succeedExecution(e failsafe.Execution[any]) error { return succeed(e.Context()) }

package bench

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avast/retry-go/v5"
	"github.com/cenkalti/backoff/v5"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"reliability/pkg/resilience"
)

const (
	attempts  = 4
	baseDelay = 50 * time.Millisecond
	maxDelay  = 2 * time.Second
)

// retries make up to four attempts with growing, jittered delays, and stop when the call's
// context ends. What is measured is the happy path, where only one attempt is made; how
// the delays grow plays no part in it, so that peers keep their own where they can.
func retries() []contender {
	return []contender{
		{name: "ours", make: func(tb testing.TB) subject { return ours(tb, nil, nil, retryPolicy()) }},
		{name: "failsafe", make: func(testing.TB) subject { return failsafePolicies(nil, failsafeRetry()) }},
		{name: "cenkalti", make: cenkalti},
		{name: "avast", make: avast},
	}
}

func retryPolicy() resilience.Policy {
	return resilience.Retry(resilience.RetryConfig{MaxAttempts: attempts, Base: baseDelay, Max: maxDelay})
}

func failsafeRetry() retrypolicy.RetryPolicy[any] {
	return retrypolicy.NewBuilder[any]().WithMaxAttempts(attempts).WithBackoff(baseDelay, maxDelay).WithJitterFactor(.5).Build()
}

// cenkalti is cenkalti/backoff with its own delays. Its options and its back-off belong to
// one call.
func cenkalti(testing.TB) subject {
	return subject{
		call: func(ctx context.Context, op resilience.Op) error {
			_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, op(ctx) }, backoff.WithMaxTries(attempts))
			return err
		},
		loop: func(ctx context.Context, n int) (failed int) {
			for range n {
				if _, err := backoff.Retry(ctx, succeedValue, backoff.WithMaxTries(attempts)); err != nil {
					failed++
				}
			}
			return failed
		},
	}
}

// avast is avast/retry-go with its own delays. A call's context is an option of its
// Retrier, so that each call has one of its own.
func avast(testing.TB) subject {
	return subject{
		call: func(ctx context.Context, op resilience.Op) error {
			return retry.New(retry.Context(ctx), retry.Attempts(attempts)).Do(func() error { return op(ctx) })
		},
		loop: func(ctx context.Context, n int) (failed int) {
			for range n {
				if err := retry.New(retry.Context(ctx), retry.Attempts(attempts)).Do(succeedBare); err != nil {
					failed++
				}
			}
			return failed
		},
	}
}

func BenchmarkRetry(b *testing.B) { passing(b, retries(), serial) }

// TestRetry: an attempt that fails is made again, after a delay, up to four times, and not
// once the caller has gone away.
func TestRetry(t *testing.T) {
	for _, c := range retries() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := c.make(t)
				wantLoop(t, s, 0)
				if runs, err := failing(t.Context(), s, 2); runs != 3 || err != nil {
					t.Errorf("after two failures: %d attempts and %v, want 3 and success", runs, err)
				}
				begin := time.Now()
				if runs, err := failing(t.Context(), s, 100); runs != attempts || !errors.Is(err, errDependency) {
					t.Errorf("when all fail: %d attempts and %v, want %d and the dependency's error", runs, err, attempts)
				}
				if time.Since(begin) == 0 {
					t.Error("there is no delay between attempts")
				}
				ctx, cancel := context.WithCancel(t.Context())
				runs := 0
				err := s.call(ctx, func(context.Context) error {
					runs++
					cancel()
					return errDependency
				})
				if runs != 1 || err == nil {
					t.Errorf("when the caller goes away: %d attempts and %v, want 1 and an error", runs, err)
				}
			})
		})
	}
}

// failing makes a call whose operation fails the first n times.
func failing(ctx context.Context, s subject, n int) (runs int, err error) {
	err = s.call(ctx, func(context.Context) error {
		runs++
		if runs <= n {
			return errDependency
		}
		return nil
	})
	return runs, err
}

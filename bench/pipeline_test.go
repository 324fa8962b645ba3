package bench

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/sony/gobreaker/v2"

	"reliability/pkg/resilience"
)

const limit = time.Second

// pipelines are Retry(Timeout(CircuitBreaker(operation))), and beside them what a deadline
// costs by itself, which none of them can go below.
func pipelines() []contender {
	return []contender{
		{name: "ours", make: func(tb testing.TB) subject {
			breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: failures, OpenFor: openFor, Probes: probes})
			timeout := resilience.Timeout(resilience.TimeoutConfig{Limit: limit})
			return ours(tb, breaker, err, retryPolicy(), timeout, breakerPolicy(breaker))
		}},
		{name: "failsafe", make: func(testing.TB) subject {
			cb := consecutiveFailsafe(circuitbreaker.NewBuilder[any]()).Build()
			return failsafePolicies(func() string { return cb.State().String() },
				failsafeRetry(), timeout.New[any](limit), cb)
		}},
		{name: "handassembled", make: handassembled},
		{name: "contextWithTimeout", make: contextWithTimeout},
	}
}

// handassembled is how one puts a pipeline together from libraries that do one thing each.
func handassembled(testing.TB) subject {
	cb := gobreaker.NewCircuitBreaker[struct{}](consecutiveSettings())
	call := func(ctx context.Context, op resilience.Op) error {
		_, err := backoff.Retry(ctx, func() (struct{}, error) {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return cb.Execute(func() (struct{}, error) { return struct{}{}, op(ctx) })
		}, backoff.WithMaxTries(attempts))
		return err
	}
	return subject{
		call: call,
		loop: func(ctx context.Context, n int) (failed int) {
			for range n {
				if err := call(ctx, succeed); err != nil {
					failed++
				}
			}
			return failed
		},
		state: func() string { return cb.State().String() },
	}
}

func contextWithTimeout(testing.TB) subject {
	call := func(ctx context.Context, op resilience.Op) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return op(ctx)
	}
	return subject{
		call: call,
		loop: func(ctx context.Context, n int) (failed int) {
			for range n {
				if err := call(ctx, succeed); err != nil {
					failed++
				}
			}
			return failed
		},
	}
}

func BenchmarkPipeline(b *testing.B) { passing(b, pipelines(), serial) }

// TestPipeline: an attempt has a deadline and is cut off there, one that fails is made
// again, and failures in a row open the breaker, after which none is made.
func TestPipeline(t *testing.T) {
	for _, c := range pipelines() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := c.make(t)
				wantLoop(t, s, 0)
				wantDeadline(t, s)
				if s.state == nil {
					return // the floor: a deadline is all it has
				}
				if runs, err := failing(t.Context(), s, 1); runs != 2 || err != nil {
					t.Errorf("after a failure: %d attempts and %v, want 2 and success", runs, err)
				}
				wantState(t, s, "closed")
				for range 2 { // attempts fail, four for each call
					if _, err := failing(t.Context(), s, 100); err == nil {
						t.Error("a call whose attempts all failed was no error")
					}
				}
				wantState(t, s, "open")
				wantTurnedAway(t, s)
			})
		})
	}
}

// wantDeadline makes a call whose first attempt never ends by itself.
func wantDeadline(t *testing.T, s subject) {
	t.Helper()
	begin, runs := time.Now(), 0
	var cutOff time.Duration
	_ = s.call(t.Context(), func(ctx context.Context) error {
		runs++
		if runs > 1 {
			return nil
		}
		<-ctx.Done()
		cutOff = time.Since(begin)
		return errors.Join(errDependency, ctx.Err())
	})
	if cutOff != limit {
		t.Errorf("an attempt that hangs was cut off after %v, want %v", cutOff, limit)
	}
}

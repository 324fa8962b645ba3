package bench

import (
	"context"
	"testing"
	"testing/synctest"

	"reliability/pkg/resilience"
)

const concurrent = 10

// withoutTimeout is Retry(CircuitBreaker(Bulkhead(operation))): no deadline, so no timer and
// no context of its own. The yardstick is gobreaker's breaker alone.
func withoutTimeout() []contender {
	return []contender{
		{name: "ours", make: func(tb testing.TB) subject {
			compartment, err := resilience.NewCompartment(resilience.CompartmentConfig{MaxConcurrent: concurrent})
			if err != nil {
				tb.Fatal(err)
			}
			breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: failures, OpenFor: openFor, Probes: probes})
			return ours(tb, breaker, err, retryPolicy(), breakerPolicy(breaker), resilience.Bulkhead(compartment))
		}},
		{name: "gobreaker", make: consecutiveGobreaker()},
	}
}

func BenchmarkPipelineNoTimeout(b *testing.B) { passing(b, withoutTimeout(), serial) }

// TestWithoutTimeout: ours makes again an attempt that failed, turns away the eleventh call
// at once, and opens after failures in a row.
func TestWithoutTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withoutTimeout()[0].make(t)
		wantLoop(t, s, 0)
		if runs, err := failing(t.Context(), s, 1); runs != 2 || err != nil {
			t.Errorf("after a failure: %d attempts and %v, want 2 and success", runs, err)
		}
		release := make(chan struct{})
		for range concurrent {
			go func() {
				_ = s.call(t.Context(), func(context.Context) error {
					<-release
					return nil
				})
			}()
		}
		synctest.Wait()
		wantTurnedAway(t, s)
		close(release)
		synctest.Wait()
		wantState(t, s, "closed")
		for range 2 {
			_, _ = failing(t.Context(), s, 100)
		}
		wantState(t, s, "open")
		wantTurnedAway(t, s)
	})
}

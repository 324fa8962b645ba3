package resilience_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"reliability/pkg/resilience"
)

// allowance lets so many calls through.
type allowance struct{ left atomic.Int64 }

func allow(n int64) *allowance {
	a := &allowance{}
	a.left.Store(n)
	return a
}

func (a *allowance) Allow() bool { return a.left.Add(-1) >= 0 }

func TestRateLimit(t *testing.T) {
	var events []string
	cfg := resilience.RateLimitConfig{Name: "quota", Limiter: allow(2), Observer: resilience.ObserverFunc(
		func(_ context.Context, e resilience.Event) {
			events = append(events, fmt.Sprint(e.Kind, " ", e.Name, ": ", e.Err))
		})}
	a, b := chain(t, resilience.RateLimit(cfg)), chain(t, resilience.RateLimit(cfg)) // the limiter is shared
	calls := 0
	op := func(context.Context) error { calls++; return errBoom }
	if err := a(t.Context(), op); err != errBoom {
		t.Errorf("error %v; want the op's own", err)
	}
	_ = b(t.Context(), op)
	err := a(t.Context(), op)
	if e, ok := err.(*resilience.RateLimitError); !ok || e.Limiter != "quota" || !resilience.Rejected(err) || resilience.Retryable(err) {
		t.Errorf("error %v; want a rejection that is not retried", err)
	}
	if calls != 2 {
		t.Errorf("%d calls; want 2", calls)
	}
	if want := []string{`rejected quota: resilience: rate limit "quota" reached`}; !slices.Equal(events, want) {
		t.Errorf("told %q; want %q", events, want)
	}
	if err := chain(t, resilience.RateLimit(resilience.RateLimitConfig{Limiter: allow(0)}))(t.Context(), op); err == nil || !strings.Contains(err.Error(), `"default"`) {
		t.Errorf("without a name: %v", err)
	}
}

// TestARejectionIsNeutralForABreakerFurtherOut, and gives its probe's slot back.
func TestARejectionIsNeutralForABreakerFurtherOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1})
		_ = chain(t, resilience.Bulkhead(full))(t.Context(), func(context.Context) error {
			for name, p := range map[string]resilience.Policy{
				"rate limit": resilience.RateLimit(resilience.RateLimitConfig{Limiter: allow(0)}),
				"bulkhead":   resilience.Bulkhead(full),
			} {
				b := tripped(t, 1)
				for range 3 { // each takes the one slot, and gives it back
					_ = chain(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}), p)(t.Context(), succeed)
					if got := b.Stats(); got.State != resilience.HalfOpen || got.ProbesOut != 0 || got.ProbesPassed != 0 {
						t.Errorf("%s: %+v", name, got)
					}
				}
			}
			return nil
		})
	})
}

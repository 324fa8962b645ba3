package resilience_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// tagged marks the context with the chain that a call runs through.
type tagKey struct{}

func tagged(tag int) resilience.Policy {
	return resilience.Custom("tag", func(next resilience.Handler) resilience.Handler {
		return func(ctx context.Context, op resilience.Op) error {
			return next(context.WithValue(ctx, tagKey{}, tag), op)
		}
	})
}

func TestLive(t *testing.T) {
	l, err := resilience.NewLive(tagged(1))
	if err != nil {
		t.Fatal(err)
	}
	tag := func() (tag int) {
		_ = l.Call(t.Context(), func(ctx context.Context) error { tag = ctx.Value(tagKey{}).(int); return nil })
		return tag
	}
	if got := tag(); got != 1 {
		t.Errorf("chain %d; want 1", got)
	}
	if err := l.Swap(tagged(2)); err != nil || tag() != 2 {
		t.Errorf("swapped: chain %d, error %v", tag(), err)
	}
	var order *resilience.OrderError
	fallback := resilience.Fallback(resilience.FallbackConfig{Answer: func(context.Context, error) error { return nil }})
	if err := l.Swap(tagged(3), resilience.Retry(resilience.RetryConfig{}), fallback); !errors.As(err, &order) || tag() != 2 {
		t.Errorf("refused: chain %d, error %v; want the old one", tag(), err)
	}
	if err := l.Swap(tagged(3), resilience.Timeout(resilience.TimeoutConfig{})); err == nil || tag() != 2 {
		t.Errorf("refused: chain %d, error %v; want the old one", tag(), err)
	}
	if l, err := resilience.NewLive(resilience.Policy{}); l != nil || err == nil {
		t.Errorf("NewLive = %v, %v", l, err)
	}
	if v, err := resilience.Do(t.Context(), l.Call, func(ctx context.Context) (any, error) { return ctx.Value(tagKey{}), nil }); v != 2 || err != nil {
		t.Errorf("Do through it = %v, %v", v, err)
	}
}

// TestACallEndsInTheChainItBeganIn, and what has state of its own keeps it.
func TestACallEndsInTheChainItBeganIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 2})
		if err != nil {
			t.Fatal(err)
		}
		breaker := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})
		l, err := resilience.NewLive(resilience.Retry(plain(2)), breaker)
		if err != nil {
			t.Fatal(err)
		}
		attempts := 0
		go func() { _ = l.Call(t.Context(), func(context.Context) error { attempts++; return errBoom }) }()
		time.Sleep(50 * ms) // it waits for its second attempt
		if err := l.Swap(breaker); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if attempts != 2 {
			t.Errorf("%d attempts; want 2, as its chain began", attempts)
		}
		if err := l.Call(t.Context(), succeed); !resilience.Rejected(err) {
			t.Errorf("error %v; want the breaker to be open in the new chain too", err)
		}
	})
}

// TestSwapUnderLoad is for the race detector: each call sees one whole chain.
func TestSwapUnderLoad(t *testing.T) {
	pair := func(tag int) []resilience.Policy {
		check := resilience.Custom("check", func(next resilience.Handler) resilience.Handler {
			return func(ctx context.Context, op resilience.Op) error {
				if ctx.Value(tagKey{}) != tag {
					t.Errorf("chain %d inside of chain %v", tag, ctx.Value(tagKey{}))
				}
				return next(ctx, op)
			}
		})
		return []resilience.Policy{tagged(tag), check}
	}
	l, err := resilience.NewLive(pair(0)...)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				_ = l.Call(t.Context(), func(context.Context) error { calls.Add(1); return nil })
			}
		})
	}
	for i := range 200 {
		if err := l.Swap(pair(i)...); err != nil {
			t.Error(err)
		}
		if err := l.Swap(resilience.Policy{}); err == nil {
			t.Error("accepted")
		}
	}
	wg.Wait()
	if calls.Load() != 2000 {
		t.Errorf("%d calls; want 2000", calls.Load())
	}
}

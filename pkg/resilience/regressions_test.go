package resilience_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// The cases here once went wrong.

func failuresAfter(t *testing.T, ctx context.Context, op resilience.Op, policies func(breaker resilience.Policy) []resilience.Policy) int {
	t.Helper()
	b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 2})
	if err != nil {
		t.Fatal(err)
	}
	_ = chain(t, policies(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))...)(ctx, op)
	return b.Stats().Failures
}

// TestAnInnerTimeoutIsBlamedAlsoWhenTheCallerGoes: the limit cut the attempt off, and the
// caller's deadline passed while it was still unwinding.
func TestAnInnerTimeoutIsBlamedAlsoWhenTheCallerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
		defer cancel()
		slowToEnd := func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(200 * time.Millisecond)
			return ctx.Err()
		}
		got := failuresAfter(t, ctx, slowToEnd, func(breaker resilience.Policy) []resilience.Policy {
			return []resilience.Policy{
				resilience.Retry(resilience.RetryConfig{MaxAttempts: 1}), breaker,
				resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}),
			}
		})
		if got != 1 {
			t.Errorf("%d failures; want 1", got)
		}
	})
}

// TestACallersDeadlineAtTheLimitIsTheCallers, always: not whichever timer fires first.
func TestACallersDeadlineAtTheLimitIsTheCallers(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			got := failuresAfter(t, ctx, hang, func(breaker resilience.Policy) []resilience.Policy {
				return []resilience.Policy{resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}), breaker}
			})
			if got != 0 {
				t.Fatalf("%d failures; want 0", got)
			}
		})
	}
}

func TestANameDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := failuresAfter(t, t.Context(), hang, func(breaker resilience.Policy) []resilience.Policy {
			named := resilience.Custom("retry", func(next resilience.Handler) resilience.Handler { return next })
			return []resilience.Policy{resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}), named, breaker}
		})
		if got != 1 {
			t.Errorf("%d failures; want 1", got)
		}
	})
}

func TestAWrapThatReturnsNothingIsRefused(t *testing.T) {
	_, err := resilience.Chain(resilience.Custom("hole", func(resilience.Handler) resilience.Handler { return nil }))
	if err == nil || !strings.Contains(err.Error(), "policy 1: hole wraps a handler in nothing") {
		t.Errorf("Chain: %v", err)
	}
}

func TestTheInnermostRetryNumbersTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := chain(t, resilience.Retry(plain(2)))
		var numbers []int
		_ = chain(t, resilience.Retry(plain(3)))(t.Context(), func(ctx context.Context) error {
			return inner(ctx, func(ctx context.Context) error {
				numbers = append(numbers, resilience.AttemptNumber(ctx))
				return errBoom
			})
		})
		if want := []int{1, 2, 1, 2, 1, 2}; !slices.Equal(numbers, want) {
			t.Errorf("attempt numbers %v; want %v", numbers, want)
		}
	})
}

// TestARejectionIsToldAfterItsTransition, also when the observer is still busy with it.
func TestARejectionIsToldAfterItsTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 1, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) {
				time.Sleep(time.Second)
				told = append(told, e.Kind.String())
			})})
		if err != nil {
			t.Fatal(err)
		}
		p, err := b.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go p.Done(t.Context(), resilience.Failure, errBoom)
		synctest.Wait()
		_, err = b.Acquire(t.Context())
		if _, ok := errors.AsType[*resilience.OpenError](err); !ok {
			t.Errorf("Acquire: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"transition", "rejected"}; !slices.Equal(told, want) {
			t.Errorf("told %v; want %v", told, want)
		}
	})
}

// TestALostProbeIsToldWithItsOwnCall: the call that finds it out has no part in it.
func TestALostProbeIsToldWithItsOwnCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type name struct{}
		var told []string
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 1, OpenFor: time.Second, Lease: time.Second, Observer: resilience.ObserverFunc(
			func(ctx context.Context, e resilience.Event) {
				call, _ := ctx.Value(name{}).(string)
				told = append(told, call+": "+e.Kind.String()+" "+e.Transition.To.String())
			})})
		if err != nil {
			t.Fatal(err)
		}
		acquire := func(call string) {
			if p, err := b.Acquire(context.WithValue(t.Context(), name{}, call)); err == nil && call == "first" {
				p.Done(t.Context(), resilience.Failure, errBoom)
			}
		}
		acquire("first")
		time.Sleep(time.Second)
		acquire("lost")
		time.Sleep(time.Second)
		acquire("innocent")
		want := []string{": transition open", "lost: transition half-open", "lost: lease expired closed", "lost: transition open", "innocent: rejected closed"}
		if !slices.Equal(told, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
	})
}

// own ends at the deadline of its context by a timer of its own, as a connection with
// SetDeadline(ctx.Deadline()) does: which timer fires first is left to chance.
func own(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	time.Sleep(time.Until(deadline))
	return errors.New("i/o timeout")
}

func TestAnOpsOwnTimerAtTheCallersDeadlineIsTheCallers(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			b, err := resilience.NewBreaker(resilience.BreakerConfig{})
			if err != nil {
				t.Fatal(err)
			}
			h := chain(t, resilience.Retry(resilience.RetryConfig{}), resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))
			err = h(ctx, own)
			retryErr, ok := errors.AsType[*resilience.RetryError](err)
			if !ok || retryErr.Reason != resilience.StopContext || !errors.Is(err, context.DeadlineExceeded) || b.Stats().Failures != 0 {
				t.Fatalf("%v, %d failures; want the caller's deadline and nobody's failure", err, b.Stats().Failures)
			}
		})
	}
}

func TestAnOpsOwnTimerAtTheLimitIsATimeout(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			h := chain(t, resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}))
			err := h(t.Context(), own)
			if _, ok := errors.AsType[*resilience.TimeoutError](err); !ok {
				t.Fatalf("%v; want a timeout", err)
			}
			breakerOutside := failuresAfter(t, t.Context(), own, func(breaker resilience.Policy) []resilience.Policy {
				return []resilience.Policy{breaker, resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second})}
			})
			breakerInside := failuresAfter(t, t.Context(), own, func(breaker resilience.Policy) []resilience.Policy {
				return []resilience.Policy{resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}), breaker}
			})
			if breakerOutside != 1 || breakerInside != 1 {
				t.Fatalf("%d and %d failures; want 1 and 1", breakerOutside, breakerInside)
			}
		})
	}
}

// A liar says that its deadline has passed, but never ends.
type liar struct{ context.Context }

func (liar) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

func TestAContextThatNeverEndsIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		got := failuresAfter(t, liar{t.Context()}, func(context.Context) error { return errors.New("boom") },
			func(breaker resilience.Policy) []resilience.Policy { return []resilience.Policy{breaker} })
		if got != 1 || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("%d failures after %v; want 1 after 100ms", got, time.Since(begin))
		}
	})
}

// A policy of the user's own may make attempts at the same time, and leave one behind.
func TestDoWithAHedgingPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hedge := resilience.Custom("hedge", func(next resilience.Handler) resilience.Handler {
			return func(ctx context.Context, op resilience.Op) error {
				results := make(chan error, 3)
				for range 3 {
					go func() { results <- next(ctx, op) }()
				}
				return <-results
			}
		})
		got, err := resilience.Do(t.Context(), chain(t, hedge), func(context.Context) (int, error) { return 7, nil })
		if got != 7 || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		synctest.Wait()
	})
}

// What a policy refused to take for a success must not come out as one.
func TestAFallbackForgetsTheValueThatWasRefused(t *testing.T) {
	refuse := resilience.Custom("refuse", func(next resilience.Handler) resilience.Handler {
		return func(ctx context.Context, op resilience.Op) error {
			_ = next(ctx, op)
			return errors.New("refused")
		}
	})
	shrug := resilience.Fallback(resilience.FallbackConfig{Answer: func(context.Context, error) error { return nil }})
	got, err := resilience.Do(t.Context(), chain(t, shrug, refuse), func(context.Context) (string, error) { return "stale", nil })
	if got != "" || err != nil {
		t.Errorf("%q, %v; want nothing", got, err)
	}
}

// A breaker of a kind that cannot be compared.
type labelled struct {
	resilience.Breaker
	tag any
}

func TestBreakersThatCannotBeCompared(t *testing.T) {
	b, err := resilience.NewBreaker(resilience.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	p := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: labelled{b, []int{1}}})
	if _, err := resilience.Chain(p, p); err != nil {
		t.Error(err)
	}
}

func TestTheZeroLiveIsAnEmptyChain(t *testing.T) {
	var l resilience.Live
	if err := l.Call(t.Context(), succeed); err != nil {
		t.Error(err)
	}
}

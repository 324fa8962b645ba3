package resilience_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

func TestChainOrder(t *testing.T) {
	var trace []string
	layer := func(name string) resilience.Policy {
		return resilience.Custom(name, func(next resilience.Handler) resilience.Handler {
			return func(ctx context.Context, op resilience.Op) error {
				trace = append(trace, "in "+name)
				err := next(ctx, op)
				trace = append(trace, "out "+name)
				return err
			}
		})
	}
	h := chain(t, layer("a"), layer("b"))
	if err := h(t.Context(), func(context.Context) error { trace = append(trace, "op"); return errBoom }); err != errBoom {
		t.Errorf("error %v", err)
	}
	if got, want := strings.Join(trace, ", "), "in a, in b, op, out b, out a"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if err := chain(t)(t.Context(), func(context.Context) error { return errBoom }); err != errBoom {
		t.Errorf("the empty chain is not the identity: %v", err)
	}
}

func TestDo(t *testing.T) {
	h := chain(t)
	v, err := resilience.Do(t.Context(), h, func(context.Context) (string, error) { return "value", nil })
	if v != "value" || err != nil {
		t.Errorf("Do = %q, %v", v, err)
	}
	v, err = resilience.Do(t.Context(), h, func(context.Context) (string, error) { return "left over", errBoom })
	if v != "" || err != errBoom {
		t.Errorf("failed Do = %q, %v; want the zero value", v, err)
	}
	// A policy may turn the op's success into an error.
	refuse := resilience.Custom("refuse", func(next resilience.Handler) resilience.Handler {
		return func(ctx context.Context, op resilience.Op) error { _ = next(ctx, op); return errBoom }
	})
	v, err = resilience.Do(t.Context(), chain(t, refuse), func(context.Context) (string, error) { return "value", nil })
	if v != "" || err != errBoom {
		t.Errorf("refused Do = %q, %v; want the zero value", v, err)
	}
}

// hang waits for the end of its context.
func hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestTimeout(t *testing.T) {
	limit := resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second})
	t.Run("a hanging op", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			err := chain(t, limit)(t.Context(), hang)
			e, ok := errors.AsType[*resilience.TimeoutError](err)
			if !ok || e.Limit != time.Second || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			if got := time.Since(begin); got != time.Second {
				t.Errorf("ended after %v", got)
			}
		})
	})
	t.Run("a late success is a success, a late failure a timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			late := func(err error) resilience.Op {
				return func(context.Context) error { time.Sleep(2 * time.Second); return err }
			}
			if err := chain(t, limit)(t.Context(), late(nil)); err != nil {
				t.Errorf("late success: %v", err)
			}
			err := chain(t, limit)(t.Context(), late(errBoom))
			if _, ok := errors.AsType[*resilience.TimeoutError](err); !ok || !errors.Is(err, errBoom) || !resilience.Retryable(err) {
				t.Errorf("late failure: %v; want a retryable TimeoutError with the op's error", err)
			}
		})
	})
	t.Run("the caller's deadline is the caller's", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			if err := chain(t, limit)(ctx, hang); err != context.DeadlineExceeded {
				t.Errorf("error %v; want the op's own", err)
			}
		})
	})
	t.Run("an early failure is passed on", func(t *testing.T) {
		if err := chain(t, limit)(t.Context(), func(context.Context) error { return errBoom }); err != errBoom {
			t.Errorf("error %v", err)
		}
	})
}

// TestWhoIsToBlame: an op cut off by its own chain's attempt timeout is a failure,
// wherever that timeout stands; one cut off by anybody else is not.
func TestWhoIsToBlame(t *testing.T) {
	limit := func(d time.Duration) resilience.Policy {
		return resilience.Timeout(resilience.TimeoutConfig{Limit: d})
	}
	retry := resilience.Retry(resilience.RetryConfig{MaxAttempts: 1})
	for _, c := range []struct {
		name       string
		caller     time.Duration // the caller's own deadline; 0 is none
		blameAfter time.Duration
		policies   func(breaker resilience.Policy) []resilience.Policy
		op         resilience.Op
		failure    bool
	}{
		{name: "attempt timeout outside", failure: true, op: hang, policies: func(b resilience.Policy) []resilience.Policy {
			return []resilience.Policy{retry, limit(time.Second), b}
		}},
		{name: "attempt timeout inside", failure: true, op: hang, policies: func(b resilience.Policy) []resilience.Policy {
			return []resilience.Policy{retry, b, limit(time.Second)}
		}},
		{name: "no retry: the timeout is the attempt's", failure: true, op: hang, policies: func(b resilience.Policy) []resilience.Policy {
			return []resilience.Policy{limit(time.Second), b}
		}},
		{name: "overall timeout", failure: false, op: hang, policies: func(b resilience.Policy) []resilience.Policy {
			return []resilience.Policy{limit(time.Second), retry, b}
		}},
		{name: "the caller's deadline", caller: time.Second, failure: false, op: hang, policies: func(b resilience.Policy) []resilience.Policy {
			return []resilience.Policy{retry, limit(2 * time.Second), b}
		}},
		{name: "the caller's deadline, after long enough", caller: time.Second, blameAfter: time.Second, failure: true, op: hang,
			policies: func(b resilience.Policy) []resilience.Policy {
				return []resilience.Policy{retry, limit(2 * time.Second), b}
			}},
		{name: "a failed op", failure: true, op: func(context.Context) error { return errBoom }, policies: func(b resilience.Policy) []resilience.Policy {
			return []resilience.Policy{b}
		}},
		{name: "a rejection further in", failure: false, op: func(context.Context) error { return &resilience.OpenError{} },
			policies: func(b resilience.Policy) []resilience.Policy { return []resilience.Policy{b} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 2})
				if err != nil {
					t.Fatal(err)
				}
				policy := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b, BlameAfter: c.blameAfter})
				ctx := t.Context()
				if c.caller > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.caller)
					defer cancel()
				}
				if err := chain(t, c.policies(policy)...)(ctx, c.op); err == nil {
					t.Fatal("no error")
				}
				if got := b.Stats().Failures == 1; got != c.failure {
					t.Errorf("counted as failure: %v; want %v", got, c.failure)
				}
			})
		})
	}
}

// TestAnotherChainsTimeoutIsNotOurs: a Policy may be used in two chains, of which one
// calls the other; the outer limit ends the inner call, which is not to blame.
func TestAnotherChainsTimeoutIsNotOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 1})
		if err != nil {
			t.Fatal(err)
		}
		limit := resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second})
		inner := chain(t, limit, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))
		_ = chain(t, limit)(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Millisecond)
			return inner(ctx, hang)
		})
		if got := b.State(); got != resilience.Closed {
			t.Errorf("the outer chain's timeout opened the inner breaker")
		}
	})
}

func TestClassifier(t *testing.T) {
	errNotFound := errors.New("not found")
	b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 2})
	if err != nil {
		t.Fatal(err)
	}
	h := chain(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{
		Breaker: b,
		Classify: func(_ context.Context, err error) resilience.Outcome {
			if errors.Is(err, errNotFound) {
				return resilience.Success // an answer, after all
			}
			return resilience.Failure
		},
	}))
	for _, err := range []error{errBoom, errNotFound, errBoom, nil, errBoom} {
		if got := h(t.Context(), func(context.Context) error { return err }); got != err {
			t.Errorf("error %v; want %v", got, err)
		}
	}
	if got := b.Stats().Failures; got != 1 {
		t.Errorf("%d failures in a row; want 1", got)
	}
}

func TestChainNumbersWhatItComplainsAbout(t *testing.T) {
	_, err := resilience.Chain(
		resilience.AnyOrder(),
		resilience.Retry(resilience.RetryConfig{MaxAttempts: -1}),
		resilience.Retry(resilience.RetryConfig{}),
		resilience.Policy{},
	)
	if err == nil || !strings.Contains(err.Error(), "policy 2: RetryConfig.MaxAttempts is -1") ||
		!strings.Contains(err.Error(), "policy 4: the zero Policy") || strings.Contains(err.Error(), "policy 3") {
		t.Errorf("%v; want complaints about policies 2 and 4", err)
	}
	nothing := resilience.Custom("nothing", func(resilience.Handler) resilience.Handler { return nil })
	if _, err := resilience.Chain(resilience.Retry(resilience.RetryConfig{}), nothing); err == nil || !strings.Contains(err.Error(), "policy 2: nothing wraps") {
		t.Errorf("%v; want a complaint about policy 2", err)
	}
}

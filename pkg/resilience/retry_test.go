package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

var errBoom = errors.New("boom")

// chain builds a handler or fails the test.
func chain(t *testing.T, policies ...resilience.Policy) resilience.Handler {
	t.Helper()
	h, err := resilience.Chain(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// plain waits 100, 200, 400, … ms without jitter.
func plain(attempts int) resilience.RetryConfig {
	return resilience.RetryConfig{
		MaxAttempts: attempts, Base: 100 * time.Millisecond, Max: 10 * time.Second, Jitter: resilience.JitterNone,
	}
}

// script is an op that returns one error after the other, and notes when it was called.
type script struct {
	errs    []error
	started time.Time
	calls   []time.Duration // since the start
	numbers []int           // attempt numbers
}

func (s *script) op(ctx context.Context) error {
	s.calls = append(s.calls, time.Since(s.started))
	s.numbers = append(s.numbers, resilience.AttemptNumber(ctx))
	i := min(len(s.calls), len(s.errs)) - 1
	return s.errs[i]
}

func TestRetry(t *testing.T) {
	const ms = time.Millisecond
	rejection := &resilience.OpenError{Breaker: "b"}
	for _, c := range []struct {
		name   string
		cfg    resilience.RetryConfig
		errs   []error // the last repeats
		calls  []time.Duration
		reason resilience.StopReason // "": the op's own error, or nil
		end    time.Duration
	}{
		{"success at once", plain(4), []error{nil}, []time.Duration{0}, "", 0},
		{"success at last", plain(4), []error{errBoom, errBoom, errBoom, nil}, []time.Duration{0, 100 * ms, 300 * ms, 700 * ms}, "", 700 * ms},
		{"no wait after the last attempt", plain(3), []error{errBoom}, []time.Duration{0, 100 * ms, 300 * ms}, resilience.StopAttempts, 300 * ms},
		{"one attempt is no retry", plain(1), []error{errBoom}, []time.Duration{0}, "", 0},
		{"permanent at once", plain(4), []error{resilience.Permanent(errBoom)}, []time.Duration{0}, "", 0},
		{"permanent later", plain(4), []error{errBoom, resilience.Permanent(errBoom)}, []time.Duration{0, 100 * ms}, resilience.StopNotRetryable, 100 * ms},
		{"wrapped permanent", plain(4), []error{fmt.Errorf("w: %w", resilience.Permanent(errBoom))}, []time.Duration{0}, "", 0},
		{"rejection", plain(4), []error{rejection}, []time.Duration{0}, "", 0},
		{"the classifier has the last word", func() resilience.RetryConfig {
			c := plain(2)
			c.RetryIf = func(context.Context, error) bool { return true }
			return c
		}(), []error{resilience.Permanent(errBoom)}, []time.Duration{0, 100 * ms}, resilience.StopAttempts, 100 * ms},
		{"delays are capped", func() resilience.RetryConfig {
			c := plain(4)
			c.Max = 150 * ms
			return c
		}(), []error{errBoom}, []time.Duration{0, 100 * ms, 250 * ms, 400 * ms}, resilience.StopAttempts, 400 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{errs: c.errs, started: time.Now()}
				err := chain(t, resilience.Retry(c.cfg))(t.Context(), s.op)
				if !slices.Equal(s.calls, c.calls) {
					t.Errorf("called at %v; want %v", s.calls, c.calls)
				}
				for i, n := range s.numbers {
					if n != i+1 {
						t.Errorf("attempt numbers %v", s.numbers)
					}
				}
				if got := time.Since(s.started); got != c.end {
					t.Errorf("ended after %v; want %v", got, c.end)
				}
				last := c.errs[min(len(c.calls), len(c.errs))-1]
				retryErr, ok := errors.AsType[*resilience.RetryError](err)
				switch {
				case c.reason == "" && err != last:
					t.Errorf("error %v; want the op's own %v", err, last)
				case c.reason != "" && (!ok || retryErr.Reason != c.reason || retryErr.Attempts != len(c.calls) || !errors.Is(err, errBoom)):
					t.Errorf("error %v; want %d attempts, %s, and the op's error inside", err, len(c.calls), c.reason)
				}
			})
		})
	}
}

func TestRetryAndTheCallersContext(t *testing.T) {
	errGone := errors.New("client closed the tab")
	t.Run("done before the first attempt", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errGone)
		s := &script{errs: []error{nil}}
		err := chain(t, resilience.Retry(plain(3)))(ctx, s.op)
		if len(s.calls) != 0 {
			t.Errorf("the op was called")
		}
		if !errors.Is(err, errGone) || !errors.Is(err, context.Canceled) || !resilience.Rejected(err) {
			t.Errorf("error %v; want the cause, context.Canceled, and a rejection: no op ran", err)
		}
	})
	t.Run("done while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(150*time.Millisecond, func() { cancel(errGone) })
			s := &script{errs: []error{errBoom}, started: time.Now()}
			err := chain(t, resilience.Retry(plain(4)))(ctx, s.op)
			if got := time.Since(s.started); got != 150*time.Millisecond || len(s.calls) != 2 {
				t.Errorf("%d attempts in %v; want 2, and an end with the context", len(s.calls), got)
			}
			if !errors.Is(err, errGone) || !errors.Is(err, errBoom) || resilience.Rejected(err) {
				t.Errorf("error %v; want the cause and the last error", err)
			}
		})
	})
	t.Run("done during the attempt", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		err := chain(t, resilience.Retry(plain(4)))(ctx, func(context.Context) error { calls++; cancel(); return errBoom })
		if calls != 1 || !errors.Is(err, context.Canceled) || !errors.Is(err, errBoom) {
			t.Errorf("%d attempts, error %v", calls, err)
		}
	})
	t.Run("deadline before the next attempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			s := &script{errs: []error{errBoom}, started: time.Now()}
			err := chain(t, resilience.Retry(plain(4)))(ctx, s.op)
			// The third attempt would start at exactly the deadline.
			if got := time.Since(s.started); got != 100*time.Millisecond || len(s.calls) != 2 {
				t.Errorf("%d attempts in %v; want 2 in 100ms: no waiting for nothing", len(s.calls), got)
			}
			e, ok := errors.AsType[*resilience.RetryError](err)
			if !ok || e.Reason != resilience.StopDeadline || !errors.Is(err, errBoom) {
				t.Errorf("error %v", err)
			}
		})
	})
}

func TestRetryOfRejectionsOnlyIsARejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := plain(2)
		cfg.RetryIf = func(context.Context, error) bool { return true }
		h := chain(t, resilience.Retry(cfg))
		rejection := &resilience.OpenError{}
		if err := h(t.Context(), (&script{errs: []error{rejection}}).op); !resilience.Rejected(err) {
			t.Errorf("no attempt reached the op, and Rejected(%v) = false", err)
		}
		if err := h(t.Context(), (&script{errs: []error{errBoom, rejection}}).op); resilience.Rejected(err) {
			t.Errorf("an attempt reached the op, and Rejected(%v) = true", err)
		}
	})
}

func TestRetryObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		cfg := plain(2)
		cfg.Observer = resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			got = append(got, fmt.Sprintf("%v %d %v %s", e.Kind, e.Attempt, e.Delay, e.Reason))
			panic("watching must not fail the call")
		})
		h := chain(t, resilience.Retry(cfg))
		_ = h(t.Context(), (&script{errs: []error{errBoom}}).op)
		_ = h(t.Context(), (&script{errs: []error{nil}}).op)
		want := []string{
			"attempt 1 0s ", "retry 1 100ms ", "attempt 2 0s ", "give up 2 0s attempts used up",
			"attempt 1 0s ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("observer was told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestConfigsNameEveryBadField(t *testing.T) {
	_, err := resilience.Chain(
		resilience.Retry(resilience.RetryConfig{MaxAttempts: -1, Base: -1, Max: -1, Multiplier: 0.5, Jitter: 9}),
		resilience.Timeout(resilience.TimeoutConfig{}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{BlameAfter: -1}),
		resilience.Custom("custom", nil),
		resilience.Policy{},
		resilience.RateLimit(resilience.RateLimitConfig{}),
	)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"RetryConfig.MaxAttempts is -1: must be 1 to 100", "RetryConfig.Base is -1ns", "RetryConfig.Max is -1ns",
		"RetryConfig.Multiplier is 0.5", "RetryConfig.Jitter is 9: must be full, none, equal or decorrelated",
		"TimeoutConfig.Limit is 0s: must be above 0", "CircuitBreakerConfig.Breaker is nil: must be a breaker", "CircuitBreakerConfig.BlameAfter",
		"Custom.wrap is nil", "policy 5: the zero Policy", "RateLimitConfig.Limiter is nil: must be anything",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in\n%v", want, err)
		}
	}
	base := resilience.RetryConfig{Base: time.Second, Max: time.Millisecond}
	if err := base.Validate(); err == nil || !strings.Contains(err.Error(), "at least Base") {
		t.Errorf("Max below Base: %v", err)
	}
	if err := (resilience.RetryConfig{Base: time.Minute}).Validate(); err != nil {
		t.Errorf("a Base above the default Max: %v", err)
	}
}

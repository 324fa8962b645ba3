package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// after is an error that asks to be left alone for a while.
type after time.Duration

func (a after) Error() string             { return fmt.Sprintf("come back in %v", time.Duration(a)) }
func (a after) RetryAfter() time.Duration { return time.Duration(a) }

// TestRetryAfterIsAFloor: jitter never undercuts it, and a longer delay stays.
func TestRetryAfterIsAFloor(t *testing.T) {
	for _, c := range []struct {
		asked  time.Duration
		jitter resilience.Jitter
		u      float64
		want   time.Duration
	}{
		{time.Second, resilience.JitterFull, 0, time.Second},
		{time.Second, resilience.JitterFull, 0.999, time.Second},
		{time.Second, resilience.JitterEqual, 0, time.Second},
		{time.Second, resilience.JitterNone, 0, time.Second},
		{time.Second, resilience.JitterDecorrelated, 0.5, time.Second},
		{60 * ms, resilience.JitterFull, 0.5, 60 * ms}, // 50 ms by itself
		{60 * ms, resilience.JitterFull, 0.75, 75 * ms},
		{30 * time.Second, resilience.JitterFull, 0.5, 30 * time.Second}, // above Max, and just allowed
		{0, resilience.JitterFull, 0.5, 50 * ms},
		{-time.Hour, resilience.JitterFull, 0.5, 50 * ms},
	} {
		t.Run(fmt.Sprintf("%v %v %v", c.asked, c.jitter, c.u), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := with(plain(2), func(r *resilience.RetryConfig) {
					r.Jitter, r.Rand = c.jitter, func(context.Context, int) float64 { return c.u }
				})
				begin := time.Now()
				got := delays(t, cfg, fmt.Errorf("wrapped: %w", after(c.asked)))
				if !slices.Equal(got, []time.Duration{c.want}) || time.Since(begin) != c.want {
					t.Errorf("told of %v, waited %v; want %v", got, time.Since(begin), c.want)
				}
			})
		})
	}
}

// TestRetryAfterTooLongEndsTheCallAtOnce, and says by how much; it is never shortened.
func TestRetryAfterTooLongEndsTheCallAtOnce(t *testing.T) {
	for _, c := range []struct {
		name     string
		max      time.Duration
		deadline time.Duration
		asked    time.Duration
		reason   resilience.StopReason // "": it waits
	}{
		{"at the default maximum", 0, 0, 30 * time.Second, ""},
		{"above it", 0, 0, 30*time.Second + 1, resilience.StopRetryAfter},
		{"at the maximum", time.Minute, 0, time.Minute, ""},
		{"above the maximum", time.Minute, 0, time.Minute + 1, resilience.StopRetryAfter},
		{"as long as there is", 0, 0, 1<<63 - 1, resilience.StopRetryAfter},
		{"just before the deadline", 0, 10 * time.Second, 10*time.Second - 1, ""},
		{"at the deadline", 0, 10 * time.Second, 10 * time.Second, resilience.StopDeadline},
		{"above both", 0, 10 * time.Second, time.Hour, resilience.StopRetryAfter},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				s := &script{errs: []error{after(c.asked), nil}, started: time.Now()}
				h := chain(t, resilience.Retry(with(plain(3), func(r *resilience.RetryConfig) { r.MaxRetryAfter = c.max })))
				err := h(ctx, s.op)
				if c.reason == "" {
					if err != nil || !slices.Equal(s.calls, []time.Duration{0, c.asked}) {
						t.Errorf("called at %v, error %v; want the second at %v", s.calls, err, c.asked)
					}
					return
				}
				if time.Since(s.started) != 0 {
					t.Errorf("ended after %v; want at once", time.Since(s.started))
				}
				e := retryError(t, err)
				text := fmt.Sprintf("resilience: gave up after 1 attempt (%s: the next one in %v): come back in %v", c.reason, c.asked, c.asked)
				if e.Reason != c.reason || e.Delay != c.asked || e.Error() != text || !errors.Is(err, after(c.asked)) {
					t.Errorf("error %v\nwant  %s", err, text)
				}
			})
		})
	}
}

// TestRetryAfterAndMaxElapsed: the wait that was asked for counts as any other.
func TestRetryAfterAndMaxElapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := chain(t, resilience.Retry(with(plain(3), func(r *resilience.RetryConfig) { r.MaxElapsed = time.Second })))
		e := retryError(t, h(t.Context(), func(context.Context) error { return after(time.Second + 1) }))
		if e.Reason != resilience.StopElapsed || e.Delay != time.Second+1 {
			t.Errorf("error %v", e)
		}
	})
}

// TestDecorrelatedJitterGoesByItsOwnDelays: the one before, not what an answer asked for.
func TestDecorrelatedJitterGoesByItsOwnDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		us := []float64{0.5, 0.5, 0.25}
		cfg := with(plain(4), func(c *resilience.RetryConfig) {
			c.Jitter = resilience.JitterDecorrelated
			c.Rand = func(_ context.Context, attempt int) float64 { return us[attempt-1] }
		})
		// 100 + 0.5 (300−100) = 200; 100 + 0.5 (600−100) = 350; 100 + 0.25 (1050−100) = 337.5
		want := []time.Duration{200 * ms, 350 * ms, 337*ms + 500*time.Microsecond}
		if got := delays(t, cfg, errBoom); !slices.Equal(got, want) {
			t.Errorf("delays %v; want %v", got, want)
		}
		s := &script{errs: []error{after(5 * time.Second), errBoom}, started: time.Now()}
		_ = chain(t, resilience.Retry(cfg))(t.Context(), s.op)
		if want := []time.Duration{0, 5000 * ms, 5350 * ms, 5687*ms + 500*time.Microsecond}; !slices.Equal(s.calls, want) {
			t.Errorf("called at %v; want %v", s.calls, want)
		}
	})
}

// TestTheOutermostRetryAfterDecides: who wraps an error may overrule it.
func TestTheOutermostRetryAfterDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := errors.Join(after(time.Second), after(2*time.Second))
		if got := delays(t, plain(2), err); !slices.Equal(got, []time.Duration{time.Second}) {
			t.Errorf("delays %v; want the first one's 1s", got)
		}
	})
}

// TestAnOpenBreakerSaysWhenToComeBack, to a Retry that is told to ask again.
func TestAnOpenBreakerSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 1, OpenFor: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		h := chain(t,
			resilience.Retry(with(plain(3), func(c *resilience.RetryConfig) {
				c.RetryIf = func(context.Context, error) bool { return true }
			})),
			resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}),
		)
		s := &script{errs: []error{errBoom, nil}, started: time.Now()}
		if err := h(t.Context(), s.op); err != nil {
			t.Fatal(err)
		}
		// Failed at 0, turned away at 100 ms and told to wait for 2.9 s.
		if want := []time.Duration{0, 3 * time.Second}; !slices.Equal(s.calls, want) {
			t.Errorf("called at %v; want %v", s.calls, want)
		}
	})
}

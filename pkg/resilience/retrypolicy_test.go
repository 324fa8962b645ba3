package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

const ms = time.Millisecond

// retryError is err as a RetryError, or the test's end.
func retryError(t *testing.T, err error) *resilience.RetryError {
	t.Helper()
	e, ok := errors.AsType[*resilience.RetryError](err)
	if !ok {
		t.Fatalf("error %v; want a RetryError", err)
	}
	return e
}

// with changes a configuration.
func with(cfg resilience.RetryConfig, change func(*resilience.RetryConfig)) resilience.RetryConfig {
	change(&cfg)
	return cfg
}

// TestMaxElapsed: an attempt may start at the very end of it, and not a nanosecond later.
func TestMaxElapsed(t *testing.T) {
	for _, c := range []struct {
		name  string
		max   time.Duration
		takes time.Duration // each attempt
		calls []time.Duration
		delay time.Duration // of the attempt that was not made
	}{
		{"exactly", 300 * ms, 0, []time.Duration{0, 100 * ms, 300 * ms}, 400 * ms},
		{"a nanosecond less", 300*ms - 1, 0, []time.Duration{0, 100 * ms}, 200 * ms},
		{"attempts take time as well", 300 * ms, 10 * ms, []time.Duration{0, 110 * ms}, 200 * ms},
		{"not even one retry", 100*ms - 1, 0, []time.Duration{0}, 100 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{errs: []error{errBoom}, started: time.Now()}
				h := chain(t, resilience.Retry(with(plain(10), func(r *resilience.RetryConfig) { r.MaxElapsed = c.max })))
				e := retryError(t, h(t.Context(), func(ctx context.Context) error { defer time.Sleep(c.takes); return s.op(ctx) }))
				if !slices.Equal(s.calls, c.calls) || e.Reason != resilience.StopElapsed || e.Delay != c.delay || e.Attempts != len(c.calls) {
					t.Errorf("called at %v, then %v; want %v, then %s with %v", s.calls, e, c.calls, resilience.StopElapsed, c.delay)
				}
				if end := c.calls[len(c.calls)-1] + c.takes; time.Since(s.started) != end {
					t.Errorf("ended after %v; want %v: no waiting for nothing", time.Since(s.started), end)
				}
			})
		})
	}
}

// TestRetryDefaults: what zero fields mean, seen from outside.
func TestRetryDefaults(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  resilience.RetryConfig
		want []time.Duration // delays
	}{
		{"nothing", resilience.RetryConfig{}, []time.Duration{50 * ms, 100 * ms, 200 * ms}},
		{"Max below the default Base", resilience.RetryConfig{Max: 20 * ms}, []time.Duration{20 * ms, 20 * ms, 20 * ms}},
		{"Max above it", resilience.RetryConfig{Max: 75 * ms}, []time.Duration{50 * ms, 75 * ms, 75 * ms}},
		{"Base above the default Max", resilience.RetryConfig{Base: 3 * time.Second}, []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second}},
		{"the default Max", resilience.RetryConfig{Base: time.Second}, []time.Duration{time.Second, 2 * time.Second, 2 * time.Second}},
		{"Multiplier", resilience.RetryConfig{Multiplier: 1}, []time.Duration{50 * ms, 50 * ms, 50 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.cfg.Jitter = resilience.JitterNone
				if got := delays(t, c.cfg, errBoom); !slices.Equal(got, c.want) {
					t.Errorf("delays %v; want %v", got, c.want)
				}
			})
		})
	}
	t.Run("jitter is full", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cfg := resilience.RetryConfig{Rand: func(context.Context, int) float64 { return 0.5 }}
			if got, want := delays(t, cfg, errBoom), []time.Duration{25 * ms, 50 * ms, 100 * ms}; !slices.Equal(got, want) {
				t.Errorf("delays %v; want %v", got, want)
			}
		})
	})
}

// delays makes one call whose attempts all fail with err, and returns its waits.
func delays(t *testing.T, cfg resilience.RetryConfig, err error) []time.Duration {
	t.Helper()
	var got []time.Duration
	cfg.Observer = resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
		if e.Kind == resilience.EventRetry {
			got = append(got, e.Delay)
		}
	})
	if got := chain(t, resilience.Retry(cfg))(t.Context(), func(context.Context) error { return err }); got == nil {
		t.Fatal("no error")
	}
	return got
}

func TestRandIsGivenTheCallAndTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var asked []string
		cfg := with(plain(4), func(c *resilience.RetryConfig) {
			c.Jitter = resilience.JitterFull
			c.Rand = func(ctx context.Context, attempt int) float64 {
				asked = append(asked, fmt.Sprintf("%v %d", ctx.Value(key{}), attempt))
				return float64(attempt) / 10
			}
		})
		s := &script{errs: []error{errBoom}, started: time.Now()}
		_ = chain(t, resilience.Retry(cfg))(context.WithValue(t.Context(), key{}, "call"), s.op)
		if want := []string{"call 1", "call 2", "call 3"}; !slices.Equal(asked, want) {
			t.Errorf("asked for %q; want %q", asked, want)
		}
		if want := []time.Duration{0, 10 * ms, 50 * ms, 170 * ms}; !slices.Equal(s.calls, want) { // 0.1×100, 0.2×200, 0.3×400
			t.Errorf("called at %v; want %v", s.calls, want)
		}
	})
}

// TestStopReasons: each with its error and its last event.
func TestStopReasons(t *testing.T) {
	errGone := errors.New("gone")
	within := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	empty := budget(t, resilience.RetryBudgetConfig{Burst: 1})
	empty.Withdraw()
	for _, c := range []struct {
		reason   resilience.StopReason
		cfg      resilience.RetryConfig
		ctx      func(context.Context) (context.Context, context.CancelFunc)
		errs     []error
		attempts int
		delay    time.Duration
		text     string
	}{
		{resilience.StopAttempts, plain(2), nil, []error{errBoom}, 2, 0,
			"resilience: gave up after 2 attempts (attempts used up): boom"},
		{resilience.StopNotRetryable, plain(3), nil, []error{errBoom, resilience.Permanent(errBoom)}, 2, 0,
			"resilience: gave up after 2 attempts (not retryable): boom"},
		{resilience.StopContext, plain(3), func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(50*ms, func() { cancel(errGone) })
			return ctx, func() {}
		}, []error{errBoom}, 1, 0, "resilience: gave up after 1 attempt (context done: gone): boom"},
		{resilience.StopDeadline, plain(3), within(100 * ms), []error{errBoom}, 1, 100 * ms,
			"resilience: gave up after 1 attempt (deadline too near: the next one in 100ms): boom"},
		{resilience.StopElapsed, with(plain(3), func(c *resilience.RetryConfig) { c.MaxElapsed = 99 * ms }), nil, []error{errBoom}, 1, 100 * ms,
			"resilience: gave up after 1 attempt (too much time elapsed: the next one in 100ms): boom"},
		{resilience.StopRetryAfter, plain(3), nil, []error{after(time.Minute)}, 1, time.Minute,
			"resilience: gave up after 1 attempt (asked to wait too long: the next one in 1m0s): come back in 1m0s"},
		{resilience.StopBudget, with(plain(3), func(c *resilience.RetryConfig) { c.Budget = empty }), nil, []error{errBoom}, 1, 0,
			"resilience: gave up after 1 attempt (retry budget empty): boom"},
	} {
		t.Run(string(c.reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var last resilience.Event
				c.cfg.Observer = resilience.ObserverFunc(func(_ context.Context, e resilience.Event) { last = e })
				ctx := t.Context()
				if c.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = c.ctx(ctx)
					defer cancel()
				}
				s := &script{errs: c.errs, started: time.Now()}
				err := chain(t, resilience.Retry(c.cfg))(ctx, s.op)
				e := retryError(t, err)
				lastErr := c.errs[len(c.errs)-1]
				if e.Reason != c.reason || e.Attempts != c.attempts || e.Delay != c.delay || e.Last != lastErr || len(s.calls) != c.attempts {
					t.Errorf("%+v after %d calls", e, len(s.calls))
				}
				if err.Error() != c.text {
					t.Errorf("text %q; want %q", err, c.text)
				}
				if !errors.Is(err, lastErr) || errors.Is(err, errGone) != (c.reason == resilience.StopContext) || errors.Is(err, context.Canceled) != (c.reason == resilience.StopContext) {
					t.Errorf("what is inside %v: %v", err, e.Unwrap())
				}
				if resilience.Rejected(err) {
					t.Error("an attempt was made, and it is a rejection")
				}
				if last.Kind != resilience.EventGiveUp || last.Reason != c.reason || last.Attempt != c.attempts || last.Err != err {
					t.Errorf("last event %+v", last)
				}
			})
		})
	}
}

// TestTheEndBeforeTheFirstAttempt has no last error.
func TestTheEndBeforeTheFirstAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var events []resilience.Event
	cfg := resilience.RetryConfig{Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) { events = append(events, e) })}
	err := chain(t, resilience.Retry(cfg))(ctx, func(context.Context) error { t.Error("called"); return nil })
	if want := "resilience: gave up after 0 attempts (context done: context canceled)"; err == nil || err.Error() != want {
		t.Errorf("error %q; want %q", err, want)
	}
	if len(events) != 1 || events[0].Kind != resilience.EventGiveUp || events[0].Attempt != 0 || events[0].Reason != resilience.StopContext {
		t.Errorf("events %+v", events)
	}
}

// TestEventsOfACall: in order, with the fields of each.
func TestEventsOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var got []string
		observer := resilience.ObserverFunc(func(ctx context.Context, e resilience.Event) {
			got = append(got, fmt.Sprintf("%v: %v attempt=%d delay=%v reason=%q err=%v", ctx.Value(key{}), e.Kind, e.Attempt, e.Delay, e.Reason, e.Err))
		})
		h := chain(t,
			resilience.Retry(with(plain(3), func(c *resilience.RetryConfig) { c.Observer = observer })),
			resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second, Observer: observer}),
		)
		call := func(name string, op resilience.Op) { _ = h(context.WithValue(t.Context(), key{}, name), op) }
		n := 0
		call("saved", func(ctx context.Context) error {
			if n++; n == 1 {
				return hang(ctx)
			}
			return nil
		})
		call("lost", func(context.Context) error { return errBoom })
		call("hopeless", func(context.Context) error { return resilience.Permanent(errBoom) })
		const timedOut = "resilience: timed out after 1s: context deadline exceeded"
		want := []string{
			`saved: timeout attempt=0 delay=1s reason="" err=` + timedOut,
			`saved: attempt attempt=1 delay=0s reason="" err=` + timedOut,
			`saved: retry attempt=1 delay=100ms reason="" err=` + timedOut,
			`saved: attempt attempt=2 delay=0s reason="" err=<nil>`,
			`lost: attempt attempt=1 delay=0s reason="" err=boom`,
			`lost: retry attempt=1 delay=100ms reason="" err=boom`,
			`lost: attempt attempt=2 delay=0s reason="" err=boom`,
			`lost: retry attempt=2 delay=200ms reason="" err=boom`,
			`lost: attempt attempt=3 delay=0s reason="" err=boom`,
			`lost: give up attempt=3 delay=0s reason="attempts used up" err=resilience: gave up after 3 attempts (attempts used up): boom`,
			`hopeless: attempt attempt=1 delay=0s reason="" err=boom`,
			`hopeless: give up attempt=1 delay=0s reason="not retryable" err=boom`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// TestAPermanentErrorPastTheLimitStaysPermanent, although it comes as a timeout.
func TestAPermanentErrorPastTheLimitStaysPermanent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := chain(t, resilience.Retry(plain(3)), resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}))
		err := h(t.Context(), func(context.Context) error {
			calls++
			time.Sleep(2 * time.Second)
			return resilience.Permanent(errBoom)
		})
		if _, ok := errors.AsType[*resilience.TimeoutError](err); !ok || calls != 1 || !errors.Is(err, errBoom) || !resilience.IsPermanent(err) {
			t.Errorf("%d attempts, error %v; want one, and a TimeoutError that is permanent", calls, err)
		}
	})
}

func TestAttemptNumberOfNestedRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := resilience.AttemptNumber(t.Context()); got != 1 {
			t.Errorf("outside of any Retry: attempt %d", got)
		}
		var numbers []string
		between := resilience.Custom("between", func(next resilience.Handler) resilience.Handler {
			return func(ctx context.Context, op resilience.Op) error {
				outer := resilience.AttemptNumber(ctx)
				return next(ctx, func(ctx context.Context) error {
					numbers = append(numbers, fmt.Sprint(outer, "/", resilience.AttemptNumber(ctx)))
					return op(ctx)
				})
			}
		})
		_ = chain(t, resilience.Retry(plain(2)), between, resilience.Retry(plain(2)))(t.Context(), func(context.Context) error { return errBoom })
		if want := []string{"1/1", "1/2", "2/1", "2/2"}; !slices.Equal(numbers, want) {
			t.Errorf("outer/inner attempts %v; want %v", numbers, want)
		}
	})
}

// TestNothingIsLeftBehind: no goroutine, after ten thousand calls of every kind.
func TestNothingIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 2, MaxQueue: 2, MaxWait: time.Second})
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 3, OpenFor: 150 * ms})
		if err != nil {
			t.Fatal(err)
		}
		h := chain(t,
			resilience.Retry(plain(3)),
			resilience.Bulkhead(c),
			resilience.Timeout(resilience.TimeoutConfig{Limit: 50 * ms}),
			resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}),
		)
		ops := []resilience.Op{succeed, hang, func(context.Context) error { return errBoom }}
		before := runtime.NumGoroutine()
		outcomes := map[bool]int{}
		for i := range 10_000 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7+1)*40*ms)
			outcomes[h(ctx, ops[i%3]) == nil]++
			cancel()
		}
		synctest.Wait()
		if after := runtime.NumGoroutine(); after > before { // fewer, if an earlier test's are still ending
			t.Errorf("%d goroutines before, %d after", before, after)
		}
		if outcomes[true] == 0 || outcomes[false] == 0 {
			t.Errorf("outcomes %v: not of every kind", outcomes)
		}
		if s := c.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("compartment %+v; want it empty", s)
		}
	})
}

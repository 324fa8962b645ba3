package resilience_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// tripped is a breaker that was open and now admits so many probes. It is for a bubble.
func tripped(t *testing.T, probes int) resilience.Breaker {
	t.Helper()
	b, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 1, OpenFor: time.Second, Probes: probes})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.Done(t.Context(), resilience.Failure, errBoom)
	time.Sleep(time.Second)
	return b
}

// judged is how a breaker policy settles the one call made through it.
type judged struct {
	resilience.Breaker
	outcome resilience.Outcome
	err     error
	ctx     context.Context
	times   int
}

func (j *judged) Acquire(context.Context) (resilience.Permit, error) {
	return resilience.NewPermit(j, resilience.Ticket{}), nil
}

func (j *judged) Settle(ctx context.Context, _ resilience.Ticket, o resilience.Outcome, err error) bool {
	j.ctx, j.outcome, j.err = ctx, o, err
	j.times++
	return true
}

func (j *judged) policy(cfg resilience.CircuitBreakerConfig) resilience.Policy {
	cfg.Breaker = j
	return resilience.CircuitBreaker(cfg)
}

func limit(d time.Duration) resilience.Policy {
	return resilience.Timeout(resilience.TimeoutConfig{Limit: d})
}

// TestBlameAfter: a call whose caller went away is the dependency's fault from exactly then on.
func TestBlameAfter(t *testing.T) {
	for _, c := range []struct {
		name  string
		ran   time.Duration
		blame time.Duration
		want  resilience.Outcome
	}{
		{"a nanosecond before", time.Second - 1, time.Second, resilience.Neutral},
		{"exactly", time.Second, time.Second, resilience.Failure},
		{"never", time.Hour, 0, resilience.Neutral},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(c.ran, cancel)
				j := &judged{}
				if err := chain(t, j.policy(resilience.CircuitBreakerConfig{BlameAfter: c.blame}))(ctx, hang); err != context.Canceled {
					t.Errorf("error %v", err)
				}
				if j.outcome != c.want {
					t.Errorf("%v; want %v", j.outcome, c.want)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // a success is one, however long the caller was gone
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		j := &judged{}
		_ = chain(t, j.policy(resilience.CircuitBreakerConfig{BlameAfter: 1}))(ctx, sleeping(time.Second))
		if j.outcome != resilience.Success {
			t.Errorf("%v; want success", j.outcome)
		}
	})
}

// TestWhoEndedTheCall: who ended the context decides, whatever error came of it.
func TestWhoEndedTheCall(t *testing.T) {
	errGone := errors.New("client closed the tab")
	// The operation reports the end of its context in an error that does not show it.
	opaque := func(ctx context.Context) error { <-ctx.Done(); return errBoom }
	canceled := func(cause error) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(500*ms, func() { cancel(cause) })
			return ctx
		}
	}
	deadline := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeoutCause(ctx, 500*ms, errGone)
		context.AfterFunc(ctx, cancel)
		return ctx
	}
	retry := resilience.Retry(resilience.RetryConfig{MaxAttempts: 1})
	type policies = []resilience.Policy
	for _, c := range []struct {
		name  string
		ctx   func(context.Context) context.Context // nil: the test's
		chain func(breaker resilience.Policy) policies
		want  resilience.Outcome
	}{
		{"canceled", canceled(nil), func(b resilience.Policy) policies { return policies{b} }, resilience.Neutral},
		{"canceled with a cause that hides it", canceled(errGone), func(b resilience.Policy) policies { return policies{b} }, resilience.Neutral},
		{"canceled with a deadline for a cause", canceled(context.DeadlineExceeded), func(b resilience.Policy) policies { return policies{limit(time.Second), b} }, resilience.Neutral},
		{"the caller's deadline", deadline, func(b resilience.Policy) policies { return policies{b} }, resilience.Neutral},
		{"the caller's deadline before the limit", deadline, func(b resilience.Policy) policies { return policies{retry, limit(time.Second), b} }, resilience.Neutral},
		{"the caller's deadline before the limit inside", deadline, func(b resilience.Policy) policies { return policies{b, limit(time.Second)} }, resilience.Neutral},
		{"overall limit", nil, func(b resilience.Policy) policies { return policies{limit(500 * ms), retry, b} }, resilience.Neutral},
		{"attempt limit within an overall one", nil, func(b resilience.Policy) policies {
			return policies{limit(500 * ms), retry, limit(400 * ms), b}
		}, resilience.Failure},
		{"attempt limit outside", nil, func(b resilience.Policy) policies { return policies{retry, limit(500 * ms), b} }, resilience.Failure},
		{"attempt limit inside", nil, func(b resilience.Policy) policies { return policies{retry, b, limit(500 * ms)} }, resilience.Failure},
		{"two attempt limits, the outer first", nil, func(b resilience.Policy) policies {
			return policies{resilience.AnyOrder(), retry, limit(400 * ms), limit(500 * ms), b}
		}, resilience.Failure},
		{"two attempt limits, the inner first", nil, func(b resilience.Policy) policies {
			return policies{retry, limit(500 * ms), b, limit(400 * ms)}
		}, resilience.Failure},
		{"two attempt limits at one moment", nil, func(b resilience.Policy) policies {
			return policies{resilience.AnyOrder(), retry, limit(500 * ms), b, limit(500 * ms)}
		}, resilience.Failure},
		{"an outer retry has limits of its own", nil, func(b resilience.Policy) policies {
			return policies{retry, limit(500 * ms), resilience.Retry(resilience.RetryConfig{MaxAttempts: 1}), b}
		}, resilience.Neutral},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 20 { // timers at one moment fire in any order
				synctest.Test(t, func(t *testing.T) {
					ctx, end := context.WithCancel(t.Context())
					defer end()
					if c.ctx != nil {
						ctx = c.ctx(ctx)
					}
					j := &judged{}
					err := chain(t, c.chain(j.policy(resilience.CircuitBreakerConfig{}))...)(ctx, opaque)
					if !errors.Is(err, errBoom) {
						t.Errorf("error %v", err)
					}
					if j.outcome != c.want || j.times != 1 {
						t.Errorf("%v, settled %d times; want %v", j.outcome, j.times, c.want)
					}
				})
			}
		})
	}
}

// TestClassifyIsAsked about failed calls whose context lasts, with their context, and
// about nothing else.
func TestClassifyIsAsked(t *testing.T) {
	type key struct{}
	var asked []error
	j := &judged{}
	h := chain(t, j.policy(resilience.CircuitBreakerConfig{Classify: func(ctx context.Context, err error) resilience.Outcome {
		if ctx.Value(key{}) != "call" {
			t.Error("not with the call's context")
		}
		asked = append(asked, err)
		return resilience.Neutral
	}}))
	ctx := context.WithValue(t.Context(), key{}, "call")
	done, cancel := context.WithCancel(ctx)
	cancel()
	open := &resilience.OpenError{}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want resilience.Outcome
	}{
		{ctx, nil, resilience.Success},
		{ctx, errBoom, resilience.Neutral},
		{ctx, open, resilience.Neutral},
		{done, errBoom, resilience.Neutral},
		{done, nil, resilience.Success},
	} {
		if err := h(c.ctx, func(context.Context) error { return c.err }); err != c.err {
			t.Errorf("error %v; want %v itself", err, c.err)
		}
		if j.outcome != c.want {
			t.Errorf("%v: %v; want %v", c.err, j.outcome, c.want)
		}
		if j.ctx.Value(key{}) != "call" {
			t.Error("not settled with the call's context")
		}
	}
	if !slices.Equal(asked, []error{errBoom}) {
		t.Errorf("asked about %v; want boom alone", asked)
	}
}

// TestAnAttemptsLimitInsideIsAFailure whatever Classify would say of it, and also when the
// caller leaves while the operation still unwinds.
func TestAnAttemptsLimitInsideIsAFailure(t *testing.T) {
	for _, leaves := range []time.Duration{time.Hour, 1500 * ms} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), leaves)
			defer cancel()
			j := &judged{}
			breaker := j.policy(resilience.CircuitBreakerConfig{Classify: func(context.Context, error) resilience.Outcome { return resilience.Neutral }})
			_ = chain(t, breaker, limit(time.Second))(ctx, func(context.Context) error { time.Sleep(2 * time.Second); return errBoom })
			if j.outcome != resilience.Failure {
				t.Errorf("the caller leaves after %v: %v; want failure", leaves, j.outcome)
			}
		})
	}
}

// TestUnwindingIsAFailure, of the operation or of Classify, told with the best error known.
func TestUnwindingIsAFailure(t *testing.T) {
	const unwound = "resilience: the operation panicked or called runtime.Goexit"
	panicking := resilience.CircuitBreakerConfig{Classify: func(context.Context, error) resilience.Outcome { panic("classify") }}
	for _, c := range []struct {
		name  string
		cfg   resilience.CircuitBreakerConfig
		op    resilience.Op
		err   string
		panic any
	}{
		{"panic", resilience.CircuitBreakerConfig{}, func(context.Context) error { panic("op") }, unwound, "op"},
		{"Goexit", resilience.CircuitBreakerConfig{}, func(context.Context) error { runtime.Goexit(); return nil }, unwound, nil},
		{"Classify panics", panicking, func(context.Context) error { return errBoom }, "boom", "classify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &judged{}
			h := chain(t, j.policy(c.cfg))
			done := make(chan any)
			go func() {
				defer func() { done <- recover() }()
				_ = h(t.Context(), c.op)
				t.Error("returned")
			}()
			if got := <-done; got != c.panic {
				t.Errorf("recovered %v; want %v", got, c.panic)
			}
			if j.outcome != resilience.Failure || j.times != 1 || j.err == nil || j.err.Error() != c.err {
				t.Errorf("%v (%v), settled %d times; want one failure: %s", j.outcome, j.err, j.times, c.err)
			}
		})
	}
}

// TestAProbeThatUnwindsOpensAgain: the slot is not lost, and the breaker not wedged.
func TestAProbeThatUnwindsOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tripped(t, 1)
		h := chain(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = h(t.Context(), func(context.Context) error { runtime.Goexit(); return nil })
		}()
		<-done
		if got := b.Stats(); got.State != resilience.Open || got.Reopened != 1 {
			t.Errorf("%v, reopened %d times", got.State, got.Reopened)
		}
		time.Sleep(time.Second)
		if err := h(t.Context(), succeed); err != nil || b.State() != resilience.Closed {
			t.Errorf("error %v, %v", err, b.State())
		}
	})
}

// TestACanceledProbeGivesItsSlotBack at once, to the next.
func TestACanceledProbeGivesItsSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tripped(t, 1)
		h := chain(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_ = h(ctx, hang)
		if got := b.Stats(); got.State != resilience.HalfOpen || got.ProbesOut != 0 {
			t.Errorf("%v, %d probes out", got.State, got.ProbesOut)
		}
		if err := h(t.Context(), succeed); err != nil || b.State() != resilience.Closed {
			t.Errorf("the next probe: error %v, %v", err, b.State())
		}
	})
}

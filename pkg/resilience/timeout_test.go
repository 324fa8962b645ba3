package resilience_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

func TestTimeoutError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		var inner context.Context
		err := chain(t, limit(time.Second))(t.Context(), func(ctx context.Context) error {
			inner = ctx
			<-ctx.Done()
			cause = context.Cause(ctx)
			return errBoom
		})
		e, ok := errors.AsType[*resilience.TimeoutError](err)
		if !ok || e.Limit != time.Second || e.Err != errBoom {
			t.Fatalf("error %#v", err)
		}
		if want := "resilience: timed out after 1s: boom"; err.Error() != want {
			t.Errorf("text %q; want %q", err, want)
		}
		if !errors.Is(err, errBoom) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("what is inside: %v", e.Unwrap())
		}
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() || timeout != error(e) {
			t.Error("no timeout to those who ask for a net.Error")
		}
		if want := "resilience: limit of 1s reached"; cause.Error() != want || !errors.Is(cause, context.DeadlineExceeded) {
			t.Errorf("cause %q; want %q, a deadline", cause, want)
		}
		if inner.Err() != context.DeadlineExceeded {
			t.Errorf("context's error %v", inner.Err())
		}
	})
}

// TestTheContextOfAFinishedOpIsDone: what it left running with it ends, and no timer stays.
func TestTheContextOfAFinishedOpIsDone(t *testing.T) {
	var inner context.Context
	err := chain(t, limit(time.Hour))(t.Context(), func(ctx context.Context) error {
		inner = ctx
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > time.Hour {
			t.Errorf("deadline %v", d)
		}
		return nil
	})
	if err != nil || inner.Err() != context.Canceled {
		t.Errorf("error %v, the context's %v; want it canceled", err, inner.Err())
	}
	func() {
		defer func() { _ = recover() }()
		_ = chain(t, limit(time.Hour))(t.Context(), func(ctx context.Context) error { inner = ctx; panic(errBoom) })
	}()
	if inner.Err() != context.Canceled {
		t.Errorf("after a panic the context's error is %v", inner.Err())
	}
}

// TestTheCallersDeadlineStepsIn where it is no later than the limit: the operation has
// the caller's own context then.
func TestTheCallersDeadlineStepsIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		caller time.Duration
		ours   bool
	}{
		{"earlier", time.Second - 1, false},
		{"at the limit", time.Second, false},
		{"later", time.Second + 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				h := chain(t, resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second, Observer: resilience.ObserverFunc(
					func(context.Context, resilience.Event) { told++ })}))
				ctx, cancel := context.WithTimeout(t.Context(), c.caller)
				defer cancel()
				begin := time.Now()
				err := h(ctx, hang)
				_, ours := errors.AsType[*resilience.TimeoutError](err)
				if ours != c.ours || (told == 1) != c.ours || !c.ours && err != context.DeadlineExceeded {
					t.Errorf("error %v, told %d times", err, told)
				}
				if want := min(c.caller, time.Second); time.Since(begin) != want {
					t.Errorf("took %v; want %v", time.Since(begin), want)
				}
			})
		})
	}
}

// TestACancelThatIsNoTimeout: the limit has not passed.
func TestACancelThatIsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(ms, func() { cancel(context.DeadlineExceeded) })
		if err := chain(t, limit(time.Second))(ctx, hang); err != context.Canceled {
			t.Errorf("error %v; want the op's own", err)
		}
	})
}

func TestTimeoutEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []resilience.Event
		var told context.Context
		h := chain(t, resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second, Observer: resilience.ObserverFunc(
			func(ctx context.Context, e resilience.Event) { told, events = ctx, append(events, e) })}))
		_ = h(t.Context(), sleeping(2*time.Second)) // a late success is no timeout
		_ = h(t.Context(), func(context.Context) error { return errBoom })
		if len(events) != 0 {
			t.Errorf("events %+v; want none yet", events)
		}
		err := h(t.Context(), hang)
		if len(events) != 1 || events[0].Kind != resilience.EventTimeout || events[0].Delay != time.Second || events[0].Err != err {
			t.Errorf("events %+v", events)
		}
		if told.Err() != nil {
			t.Error("told with the context that has just ended: whoever wants to act on it cannot")
		}
	})
}

// TestAnOpThatIgnoresItsContext is waited for: no goroutine is left behind.
func TestAnOpThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, finished := time.Now(), false
		err := chain(t, limit(time.Second))(t.Context(), func(context.Context) error {
			time.Sleep(time.Minute)
			finished = true
			return errBoom
		})
		if _, ok := errors.AsType[*resilience.TimeoutError](err); !ok || !finished || time.Since(begin) != time.Minute {
			t.Errorf("finished: %v, after %v, error %v", finished, time.Since(begin), err)
		}
	})
}

// TestARejectionThatTimedOutIsStillOne: a call that queued until its limit never ran.
func TestARejectionThatTimedOutIsStillOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: 1})
		go func() { _ = chain(t, resilience.Bulkhead(c))(t.Context(), sleeping(time.Minute)) }()
		synctest.Wait()
		err := chain(t, limit(time.Second), resilience.Bulkhead(c))(t.Context(), succeed)
		if _, ok := errors.AsType[*resilience.TimeoutError](err); !ok || !resilience.Rejected(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v; want a timeout that is a rejection", err)
		}
		if !strings.Contains(err.Error(), "limit of 1s reached") {
			t.Errorf("text %q", err)
		}
		time.Sleep(time.Minute)
	})
}

// TestANetErrorInside stays to be found.
func TestANetErrorInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := &net.OpError{Op: "dial", Err: errBoom}
		err := chain(t, limit(time.Second))(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return dial })
		if e, ok := errors.AsType[*net.OpError](err); !ok || e != dial {
			t.Errorf("error %v", err)
		}
	})
}

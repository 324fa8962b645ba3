package resiliencehttp

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A lifetime is the context of one exchange. It has the values of the attempt it belongs
// to (its number, the span), but not its end: the attempt's context ends when the
// attempt returns, and http.Transport would then cut off an answer that still streams.
// So it is bound to the attempt until detach, and to the caller until release.
type lifetime struct {
	context.Context // of the attempt's values, ended by end alone
	attempt, caller context.Context

	cancel      context.CancelCauseFunc
	stopAttempt func() bool
	stopCaller  func() bool
	released    func() // nil, or to be called by release; set before anyone may read the body

	once sync.Once
	err  error // what Err says; written before the context ends
}

func newLifetime(attempt, caller context.Context) *lifetime {
	l := &lifetime{attempt: attempt, caller: caller}
	l.Context, l.cancel = context.WithCancelCause(context.WithoutCancel(attempt))
	l.stopAttempt = context.AfterFunc(attempt, func() { l.end(attempt.Err(), context.Cause(attempt)) })
	l.stopCaller = context.AfterFunc(caller, func() { l.end(caller.Err(), context.Cause(caller)) })
	return l
}

func (l *lifetime) end(err, cause error) {
	l.once.Do(func() {
		l.err = context.Canceled
		if errors.Is(err, context.DeadlineExceeded) {
			l.err = context.DeadlineExceeded
		}
		l.cancel(cause)
	})
}

// detach unties l from its attempt. It reports false if the attempt ended first: then l
// has ended, or is about to.
func (l *lifetime) detach() bool { return l.stopAttempt() }

// release ends l and everything it is tied to. It may be called more than once.
func (l *lifetime) release() {
	l.stopAttempt()
	l.stopCaller()
	l.end(context.Canceled, context.Canceled)
	if l.released != nil {
		l.released()
	}
}

// Deadline is the caller's. The attempt's may be earlier, but it no longer holds once the
// answer streams, and a deadline that moves would mislead the contexts derived from it.
func (l *lifetime) Deadline() (time.Time, bool) { return l.caller.Deadline() }

// Err tells a deadline from a cancellation, as the context that ended l does.
func (l *lifetime) Err() error {
	if l.Context.Err() == nil {
		return nil
	}
	return l.err
}

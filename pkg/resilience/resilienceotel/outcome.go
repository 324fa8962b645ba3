package resilienceotel

import (
	"context"
	"errors"

	"reliability/pkg/resilience"
)

// An outcome is how a call or an attempt ended, in one word.
type outcome uint8

const (
	success outcome = iota
	failure
	timedOut
	rejected
	canceled
	panicked
	exited
	fellBack
	outcomes // how many there are
)

var outcomeNames = [outcomes]string{
	success: "success", failure: "failure", timedOut: "timeout", rejected: "rejected", canceled: "canceled",
	panicked: "panic", exited: "goexit", fellBack: "fallback",
}

func (o outcome) String() string { return outcomeNames[o] }

// ended is the outcome of what returned err, or did not return but panicked or ended its
// goroutine.
func ended(ctx context.Context, err error, returned bool, panicValue any) outcome {
	switch {
	case returned:
		return outcomeOf(ctx, err)
	case panicValue != nil:
		return panicked
	}
	return exited
}

// Outcome is the attribute reliability.outcome of a call that returned err, for those who
// tell it to others as well. ctx is that of whoever made the call.
func Outcome(ctx context.Context, err error) string { return outcomeOf(ctx, err).String() }

// outcomeOf asks the caller's context first, because a call that nobody waits for any
// more ends with whatever error the operation happened to make of that.
func outcomeOf(ctx context.Context, err error) outcome {
	switch {
	case err == nil:
		return success
	case ctx.Err() != nil:
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return timedOut
		}
		return canceled
	case resilience.Rejected(err):
		return rejected
	case outOfTime(err):
		return timedOut
	}
	return failure
}

func outOfTime(err error) bool {
	if e, ok := errors.AsType[*resilience.RetryError](err); ok &&
		(e.Reason == resilience.StopDeadline || e.Reason == resilience.StopElapsed) {
		return true
	}
	var t interface{ Timeout() bool } // a TimeoutError, context.DeadlineExceeded or a net.Error
	return errors.As(err, &t) && t.Timeout()
}

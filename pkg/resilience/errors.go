package resilience

import (
	"errors"
	"fmt"
	"time"
)

// Permanent wraps an error that another attempt cannot mend: the request is wrong, not
// the weather. [Retry] returns it at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err, or an error it wraps, was marked by [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Rejected reports whether err is a local rejection: a policy turned the call away and
// the operation never ran. Such an error says nothing about the dependency. An error
// type of your own takes part by a method Rejected() bool; the outermost one decides, and
// of joined errors the first.
//
// That holds for the rejection of another chain too, if the operation is itself a call
// through one and returns it: what it asked for was not done, and asking again at once
// would be turned away again.
func Rejected(err error) bool {
	var r interface{ Rejected() bool }
	return errors.As(err, &r) && r.Rejected()
}

// Retryable is the default of [RetryConfig.RetryIf]: every error but the permanent ones
// and local rejections, which asking again at once would only repeat.
func Retryable(err error) bool {
	return err != nil && !IsPermanent(err) && !Rejected(err)
}

// StopReason says why [Retry] made no further attempt.
type StopReason string

const (
	// StopAttempts: all attempts are used up.
	StopAttempts StopReason = "attempts used up"
	// StopNotRetryable: the last error is not worth another attempt.
	StopNotRetryable StopReason = "not retryable"
	// StopContext: the caller's context ended.
	StopContext StopReason = "context done"
	// StopDeadline: the next attempt could only start after the caller's deadline.
	StopDeadline StopReason = "deadline too near"
	// StopElapsed: the next attempt could only start after MaxElapsed.
	StopElapsed StopReason = "too much time elapsed"
	// StopRetryAfter: the dependency asked for a longer wait than MaxRetryAfter.
	StopRetryAfter StopReason = "asked to wait too long"
	// StopBudget: the retry budget is empty.
	StopBudget StopReason = "retry budget empty"
)

// retryAfter is how long the error says to wait before another try, 0 if it says nothing.
// An error takes part by a method RetryAfter() time.Duration; the outermost one decides.
func retryAfter(err error) time.Duration {
	var r interface{ RetryAfter() time.Duration }
	if !errors.As(err, &r) {
		return 0
	}
	return max(0, r.RetryAfter())
}

// A RetryError is the end of a call that [Retry] gave up, unless its first attempt
// already said all there is to say.
type RetryError struct {
	Attempts int        // attempts made; 0 when the context was done before the first
	Reason   StopReason // why there was no further one
	Last     error      // error of the last attempt, nil if there was none
	Cause    error      // context.Cause of the caller's context, for StopContext only
	// Delay is the wait before the attempt that was not made, for StopDeadline, StopElapsed
	// and StopRetryAfter.
	Delay time.Duration

	ctxErr   error // ctx.Err(), which a custom cause would hide
	rejected bool  // no attempt reached the operation
}

func (e *RetryError) Error() string {
	tries := "attempts"
	if e.Attempts == 1 {
		tries = "attempt"
	}
	s := fmt.Sprintf("resilience: gave up after %d %s (%s", e.Attempts, tries, e.Reason)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	if e.Delay > 0 {
		s += fmt.Sprintf(": the next one in %v", e.Delay)
	}
	s += ")"
	if e.Last != nil {
		s += ": " + e.Last.Error()
	}
	return s
}

// Unwrap returns the last attempt's error and what ended the caller's context.
func (e *RetryError) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Last, e.Cause, e.ctxErr} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Rejected reports whether no attempt reached the operation.
func (e *RetryError) Rejected() bool { return e.rejected }

// A TimeoutError is an operation that failed after the limit of a [Timeout] had passed.
// What its Err says of itself still holds: one that is [Permanent], or a rejection (a wait
// in a queue that took all the time there was), is not retried.
// It is a context.DeadlineExceeded to errors.Is, and a timeout to net.Error.
type TimeoutError struct {
	Limit time.Duration
	Err   error // what the operation returned

	cause *limitCause // tells which Timeout it was
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("resilience: timed out after %v: %v", e.Limit, e.Err)
}

// Unwrap returns the operation's error and the cause of the limit.
func (e *TimeoutError) Unwrap() []error { return []error{e.Err, &limitCause{e.Limit}} }

// Timeout marks the error as a timeout, as net.Error does.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary completes net.Error: another attempt may be faster.
func (e *TimeoutError) Temporary() bool { return true }

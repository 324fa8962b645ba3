package resiliencehttp

import (
	"context"
	"errors"
)

var (
	errNoAnswer = errors.New("resiliencehttp: the chain reports success, but no attempt brought an answer")
	errNoURL    = errors.New("resiliencehttp: the request has no URL, so no host to choose a chain by")
)

// An Error is a call that ended without an answer, unless the error of its only attempt
// says it all. errors.Is and errors.As find what is in Err and Last.
type Error struct {
	Attempts int   // requests that were sent, or tried to be
	Err      error // what the chain returned
	Last     error // the last attempt's failure, where Err does not tell it; else nil
}

func (e *Error) Error() string {
	s := e.Err.Error()
	if e.Last != nil {
		s += "; the last request before that: " + e.Last.Error()
	}
	return s
}

// Unwrap returns Err and Last.
func (e *Error) Unwrap() []error {
	if e.Last == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Last}
}

// Timeout reports whether Err is, or came of, a timeout. The error of http.Client, a
// *url.Error, asks only the error right below it.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &t) && t.Timeout()
}

// Temporary completes net.Error. It is false, because the chain has tried already.
func (e *Error) Temporary() bool { return false }

// Rejected is false: at least one request was sent, or tried to be. See resilience.Rejected.
func (e *Error) Rejected() bool { return false }

// explain is the error of a call: what the chain said, and what it forgot to say. about is
// the failure in err.
func explain(err error, about, last *failure, attempts int) error {
	if f, ok := err.(*failure); ok { //nolint:errorlint // what wraps a failure has more to say
		return f.err
	}
	if err == nil {
		err = errNoAnswer
	}
	if attempts == 0 {
		return err // turned away, by an error that is made for that
	}
	e := &Error{Attempts: attempts, Err: err}
	if last != nil && last != about {
		e.Last = last.err
	}
	return e
}

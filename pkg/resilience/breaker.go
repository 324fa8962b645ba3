package resilience

import (
	"context"
	"fmt"
	"time"
)

// A Breaker is a circuit breaker: the state machine that [CircuitBreaker] puts into a
// chain. This package has one written by hand, [NewBreaker]; package sonybreaker has one
// over github.com/sony/gobreaker; package breakertest tests whether another is one.
//
// Closed lets calls pass and counts them. Open turns every call away for a while.
// Half-open then admits a few probes: when all succeed the breaker closes, at the first
// failure it opens again. Changes that only time brings are made by the next Acquire;
// State and Stats say what it would find, and change nothing.
//
// One breaker serves one dependency, shared by all that call it. Its methods are safe
// for concurrent use.
type Breaker interface {
	// Acquire asks for one call. It returns a Permit, to be settled by its Done when
	// the call ends, or an [*OpenError].
	Acquire(ctx context.Context) (Permit, error)
	// State returns the state that an Acquire now would find.
	State() State
	// Stats returns what the state depends on.
	Stats() Stats
	// Force puts the breaker under manual control, or back under its own. ctx is that of
	// whoever asked, for the events it brings. Calls in flight no longer count. Asking for
	// the mode that is in force does nothing.
	Force(ctx context.Context, m Mode) error
	// Reconfigure changes the thresholds while calls are in flight. The state stays, an
	// announced Until stays, a probe keeps its lease, and what was counted stays unless the
	// window's shape (WindowCalls, WindowTime) changes. Name must be the same or empty, and
	// Observer is not read: they are the breaker's identity. A configuration that is refused
	// changes nothing.
	Reconfigure(cfg BreakerConfig) error
}

// State is a breaker's state.
type State uint8

const (
	Closed   State = iota // calls pass
	Open                  // calls are turned away
	HalfOpen              // a few probes pass
)

var stateNames = [...]string{Closed: "closed", Open: "open", HalfOpen: "half-open"}

// String returns "closed", "open" or "half-open".
func (s State) String() string { return nameOf(stateNames[:], int(s)) }

// MarshalText makes the state readable in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Outcome is what a call says about the dependency.
type Outcome uint8

const (
	Success Outcome = iota // it does what it should
	Failure                // it does not
	// Neutral says nothing: the caller went away, or the call was turned away further in.
	// It gives a probe's slot back.
	Neutral
)

var outcomeNames = [...]string{Success: "success", Failure: "failure", Neutral: "neutral"}

// String returns "success", "failure" or "neutral".
func (o Outcome) String() string { return nameOf(outcomeNames[:], int(o)) }

// An OpenError is a call that a breaker turned away: the operation never ran. It may be
// shared by many calls, so it must not be changed.
type OpenError struct {
	Breaker string
	State   State     // Open, or HalfOpen with all probes out
	Until   time.Time // when probing begins, while open; zero when nobody can say: in half-open, or held open by hand
}

func (e *OpenError) Error() string {
	switch {
	case e.State == HalfOpen:
		return fmt.Sprintf("resilience: breaker %q is half-open and all its probes are out", e.Breaker)
	case e.Until.IsZero():
		return fmt.Sprintf("resilience: breaker %q is held open", e.Breaker)
	}
	return fmt.Sprintf("resilience: breaker %q is open until %s", e.Breaker, e.Until.Format(time.RFC3339Nano))
}

// Rejected is true: see [Rejected].
func (e *OpenError) Rejected() bool { return true }

// RetryAfter is how long it is from now until another try makes sense, never negative,
// and 0 when nobody can say.
func (e *OpenError) RetryAfter() time.Duration {
	if e.Until.IsZero() {
		return 0
	}
	return max(0, time.Until(e.Until))
}

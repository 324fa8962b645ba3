package resilience

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// A Breaker is a circuit breaker: the state machine that [CircuitBreaker] puts into a
// chain. This package has one written by hand, [NewBreaker]; package sonybreaker has one
// over github.com/sony/gobreaker; package breakertest tests whether another is one.
//
// Closed lets calls pass and counts failures in a row. Open turns every call away for a
// while. Half-open then admits a few probes: when all succeed the breaker closes, at the
// first failure it opens again. Changes that only time brings are made by the next
// Acquire; State and Stats say what it would find, and change nothing.
type Breaker interface {
	// Acquire asks for one call. It returns a Permit, to be settled by its Done exactly
	// when the call ends, or an [*OpenError].
	Acquire(ctx context.Context) (Permit, error)
	// State returns the state that an Acquire now would find.
	State() State
	// Stats returns what the state hangs on.
	Stats() Stats
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
	Success Outcome = iota
	Failure
	// Neutral says nothing: the caller went away, or the call was turned away further in.
	// It gives a probe's slot back.
	Neutral
)

var outcomeNames = [...]string{Success: "success", Failure: "failure", Neutral: "neutral"}

// String returns "success", "failure" or "neutral".
func (o Outcome) String() string { return nameOf(outcomeNames[:], int(o)) }

// BreakerConfig configures a [Breaker], whichever engine it has. The zero value is usable.
type BreakerConfig struct {
	// Name is the dependency's name in events and errors. "": "default".
	Name string
	// Failures in a row open the breaker. 0: 5.
	Failures int
	// OpenFor is how long the breaker turns calls away before it probes. 0: 5 s.
	OpenFor time.Duration
	// Probes is how many calls half-open admits in all, and how many must succeed. 0: 2.
	Probes int
	// Lease is how long a probe may take; one that takes longer has failed, so that a
	// lost probe cannot hold the breaker half-open for ever. 0: 30 s.
	Lease time.Duration
	// Observer is told of transitions, rejections and expired leases. Nil: nobody.
	Observer Observer
}

// Validate reports every field that cannot be accepted.
func (c BreakerConfig) Validate() error {
	var bad fieldErrors
	count := func(field string, n int, def string) {
		bad.require(n >= 0 && n <= math.MaxInt32, "BreakerConfig."+field, n, "1 to 2147483647, or 0 for "+def)
	}
	span := func(field string, d time.Duration, def string) {
		bad.require(d >= 0 && d <= maxDelayAllowed, "BreakerConfig."+field, d, "above 0 and at most 24h, or 0 for "+def)
	}
	count("Failures", c.Failures, "5")
	span("OpenFor", c.OpenFor, "5s")
	count("Probes", c.Probes, "2")
	span("Lease", c.Lease, "30s")
	return errors.Join(bad...)
}

// WithDefaults returns c with its zero fields filled in, as both engines see it.
func (c BreakerConfig) WithDefaults() BreakerConfig {
	if c.Name == "" {
		c.Name = "default"
	}
	if c.Failures == 0 {
		c.Failures = 5
	}
	if c.OpenFor == 0 {
		c.OpenFor = 5 * time.Second
	}
	if c.Probes == 0 {
		c.Probes = 2
	}
	if c.Lease == 0 {
		c.Lease = 30 * time.Second
	}
	return c
}

// Stats says why a breaker is in its state, and what is missing to the next one.
type Stats struct {
	Name           string
	State          State
	Failures       int        // in a row, while closed
	FailuresToOpen int        // threshold of Failures
	ProbesPassed   int        // this half-open period
	ProbesOut      int        // running now
	ProbesToClose  int        // threshold of ProbesPassed
	Until          time.Time  // when probing may begin, while open
	Last           Transition // the last transition; zero if there was none
}

// A Permit is the admission of one call. It belongs to that call: it is not safe for
// concurrent use, and settling a copy counts again.
type Permit struct {
	settler Settler
	ticket  Ticket
	settled bool
}

// A Ticket is what a breaker wants to know of a permit when it comes back.
type Ticket struct {
	Generation uint64 // of the state that admitted the call
	Probe      uint64 // which probe, from 1; 0 is an ordinary call
	Cookie     any    // whatever else
}

// A Settler is a breaker's end of its permits. It must be safe for concurrent use.
type Settler interface {
	// Settle counts the outcome of the ticket's call and reports whether it still
	// mattered: one from an older generation changes nothing. err explains a failure.
	Settle(ctx context.Context, t Ticket, o Outcome, err error) bool
}

// NewPermit is for those who implement a [Breaker].
func NewPermit(s Settler, t Ticket) Permit { return Permit{settler: s, ticket: t} }

// Done settles the permit and reports whether the outcome counted. Only the first call
// does anything. err is the failure's cause, for the transition it may bring; the
// outcome alone decides. ctx is that of the call, for the same event.
func (p *Permit) Done(ctx context.Context, o Outcome, err error) bool {
	if p.settled || p.settler == nil {
		return false
	}
	p.settled = true
	return p.settler.Settle(ctx, p.ticket, o, err)
}

// An OpenError is a call that a breaker turned away: the operation never ran.
type OpenError struct {
	Breaker string
	State   State     // Open, or HalfOpen with all probes out
	Until   time.Time // when probing begins, while open; zero in half-open, which may end at any moment
}

func (e *OpenError) Error() string {
	if e.State == HalfOpen {
		return fmt.Sprintf("resilience: breaker %q is half-open and all its probes are out", e.Breaker)
	}
	return fmt.Sprintf("resilience: breaker %q is open until %s", e.Breaker, e.Until.Format(time.RFC3339Nano))
}

// Rejected is true: see [Rejected].
func (e *OpenError) Rejected() bool { return true }

// RetryAfter is how long it is from now until another try makes sense, never negative. In
// half-open it is 0: that hangs on the probes now running.
func (e *OpenError) RetryAfter() time.Duration { return max(0, time.Until(e.Until)) }

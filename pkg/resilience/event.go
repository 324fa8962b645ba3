package resilience

import (
	"context"
	"time"
)

// An Observer is told of every decision, with the context of the call that caused it.
// It must be safe for concurrent use, should be quick, and may call back into the
// breaker. A panic in it is discarded: watching a call must not fail it. (One that calls
// runtime.Goexit ends the goroutine of the call it is told of.)
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// ObserverFunc makes a function an [Observer].
type ObserverFunc func(ctx context.Context, e Event)

// Observe calls f.
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// Tee tells several observers of everything, one after the other.
func Tee(observers ...Observer) Observer {
	return ObserverFunc(func(ctx context.Context, e Event) {
		for _, o := range observers {
			notify(ctx, o, e)
		}
	})
}

// EventKind says what was decided.
type EventKind uint8

const (
	// EventAttempt: an attempt ended. Attempt, Err (nil for a success).
	EventAttempt EventKind = iota + 1
	// EventRetry: another attempt will follow. Attempt (the one that failed), Delay, Err.
	EventRetry
	// EventGiveUp: no further attempt although the last one failed, or none at all, because
	// the context was done already. Attempt (then 0), Reason, Err.
	EventGiveUp
	// EventTimeout: a limit passed and the operation failed. Delay (the limit), Err.
	EventTimeout
	// EventRejected: a breaker, bulkhead or rate limit turned a call away. Name, Err
	// ([*OpenError], [*BulkheadError], [*RateLimitError]).
	EventRejected
	// EventTransition: the breaker changed state. Name, Transition, Err (its Err).
	EventTransition
	// EventLeaseExpired: a probe outlived its lease. Name.
	EventLeaseExpired
	// EventWouldOpen: the breaker would have opened, but only observes. Name, Transition
	// (what would have been), Err (its Err).
	EventWouldOpen
	// EventMode: the breaker was put under manual control, or back under its own. Name,
	// Mode.
	EventMode
	// EventFallback: a fallback answers instead. Err (what it stands in for).
	EventFallback
)

var eventNames = [...]string{
	EventAttempt: "attempt", EventRetry: "retry", EventGiveUp: "give up", EventTimeout: "timeout",
	EventRejected: "rejected", EventTransition: "transition", EventLeaseExpired: "lease expired",
	EventWouldOpen: "would open", EventMode: "mode", EventFallback: "fallback",
}

// String returns the kind in words.
func (k EventKind) String() string { return nameOf(eventNames[:], int(k)) }

// An Event is one decision. Which fields are set depends on its Kind.
type Event struct {
	Kind       EventKind
	Attempt    int           // number of the attempt, from 1
	Delay      time.Duration // wait before the next attempt, or the limit that passed
	Reason     StopReason    // why Retry gave up
	Name       string        // of the breaker, compartment or limiter
	Transition Transition    // of the breaker
	Mode       Mode          // that the breaker is in now
	Err        error
}

// A Transition is a change of a breaker's state.
type Transition struct {
	Breaker  string
	From, To State
	At       time.Time // when it took effect
	Reason   string    // in words, with the counts that decided
	Until    time.Time // when probing may begin, when To is Open; zero if it is held open
	Err      error     // the failure that opened it, if one did
	Counts             // behind it, when opening from closed
}

// notify tells o of e, and survives it.
func notify(ctx context.Context, o Observer, e Event) {
	defer func() { _ = recover() }()
	o.Observe(ctx, e)
}

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) || names[i] == "" {
		return "unknown"
	}
	return names[i]
}

package resilience

import (
	"context"
	"fmt"
	"time"
)

const kindBulkhead = "bulkhead"

// Bulkhead lets only so many calls into c at once, so that one dependency that has
// become slow cannot take all the goroutines, connections and memory there are. The
// others wait, if c has a queue, or are turned away with a [*BulkheadError].
//
// Every chain with the same compartment shares its slots.
func Bulkhead(c *Compartment) Policy {
	p := Policy{kind: kindBulkhead, compartment: c}
	if c == nil {
		p.err = &FieldError{Field: "Bulkhead compartment", Value: "nil", Allowed: "a compartment, see NewCompartment"}
	}
	p.wrap = func(_ *surroundings, next Handler) Handler {
		return func(ctx context.Context, op Op) error {
			if err := c.enter(ctx); err != nil {
				if c.observer != nil {
					notify(ctx, c.observer, Event{Kind: EventRejected, Name: c.name, Err: err})
				}
				return err
			}
			defer c.leave() // a panic and runtime.Goexit leave too
			return next(ctx, op)
		}
	}
	return p
}

// BulkheadReason says why a bulkhead turned a call away.
type BulkheadReason string

const (
	BulkheadFull    BulkheadReason = "full"            // all slots and the queue are taken
	BulkheadTimeout BulkheadReason = "waited too long" // for MaxWait
	BulkheadContext BulkheadReason = "context done"    // while waiting
)

// A BulkheadError is a call that a bulkhead turned away: the operation never ran.
type BulkheadError struct {
	Compartment             string
	Reason                  BulkheadReason
	MaxConcurrent, MaxQueue int
	MaxWait                 time.Duration
	Cause                   error // context.Cause of the call's context, for BulkheadContext only

	ctxErr error // ctx.Err(), which a custom cause would hide
}

func (e *BulkheadError) Error() string {
	s := fmt.Sprintf("resilience: bulkhead %q: %s (%d may run, %d may wait", e.Compartment, e.Reason, e.MaxConcurrent, e.MaxQueue)
	if e.MaxWait > 0 {
		s += fmt.Sprintf(" for %v", e.MaxWait)
	}
	s += ")"
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns what ended the call's context, if that was it.
func (e *BulkheadError) Unwrap() []error {
	if e.Cause == nil {
		return nil
	}
	return []error{e.Cause, e.ctxErr}
}

// Rejected is true: see [Rejected].
func (e *BulkheadError) Rejected() bool { return true }

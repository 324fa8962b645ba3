// Package sonybreaker is a circuit breaker backed by github.com/sony/gobreaker/v2,
// behind the same interface and with the same configuration as the hand-rolled one of
// package resilience.
//
// gobreaker keeps the state: when it opens, how long it stays open, how many probes it
// admits and when it closes again. What counts as a reason to open is decided out here,
// and this package repairs from outside what gobreaker leaves open:
//
//   - An operation that ends its goroutine (runtime.Goexit), or loses its permit, holds
//     gobreaker half-open for ever. Here a permit is settled in a defer, and a probe has a
//     lease after which it counts as failed.
//   - gobreaker runs callbacks under its lock, so that one which asks for the state
//     deadlocks. Here observers are called outside every lock, in order.
//   - gobreaker asks its classifiers about successes too, with a nil error, and about
//     panics with an error that it makes up. Here it is told the verdict, and asks nobody.
//   - gobreaker counts a call in the window in which it was admitted, so that failures
//     which take longer than the window never open it. Here a call belongs to the moment
//     it ends. Its share of failures is one of the calls admitted; here, of those that
//     ended.
//   - gobreaker knows no slow calls. Here they count, also while they still run.
//   - gobreaker's State changes the state. Here State is read from a mirror and changes
//     nothing.
//   - gobreaker is still open at exactly the end of its timeout. Here it is half-open, as
//     the hand-rolled breaker is.
//   - gobreaker reads the clock for itself. Here nobody is let through before the Until that
//     was announced.
//   - gobreaker drops a late result without a word. Here Done says that it did not count.
//   - gobreaker cannot be held open or closed by hand, nor only observe. Here it can.
//
// What remains different from the hand-rolled breaker:
//
//	OpenGrowth, OpenJitter   refused: gobreaker's timeout is one fixed duration
//	OpenFor below 2ns        refused: gobreaker takes less for its default of a minute
//	Reconfigure              a new OpenFor or Probes is in force from the next time that the
//	                         breaker is closed: gobreaker's settings are fixed when it is made
//	an expired lease         is noticed by a timer: the breaker opens at once, not at the next
//	                         Acquire, and its observer is called on the timer's goroutine
//	an admitted call         costs an allocation, gobreaker's done callback, and four locks
package sonybreaker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"reliability/pkg/resilience"
)

// New returns a breaker that gobreaker decides. It is safe for concurrent use.
func New(cfg resilience.BreakerConfig) (resilience.Breaker, error) {
	if err := errors.Join(refusals(cfg), cfg.Validate()); err != nil {
		return nil, fmt.Errorf("sonybreaker: new breaker: %w", err)
	}
	cfg = cfg.WithDefaults()
	b := &breaker{
		name: cfg.Name, events: resilience.NewEventQueue(cfg.Observer), base: time.Now(),
		cfg: cfg, tally: resilience.NewTally(cfg),
	}
	b.renewLocked() // nobody else has it yet
	return b, nil
}

// refusals reports every field that gobreaker cannot do.
func refusals(cfg resilience.BreakerConfig) error {
	var bad []error
	refuse := func(refused bool, field string, value any, allowed string) {
		if refused {
			bad = append(bad, &resilience.FieldError{Field: "BreakerConfig." + field, Value: value, Allowed: allowed})
		}
	}
	refuse(cfg.OpenFor == 1, "OpenFor", cfg.OpenFor, "at least 2ns: gobreaker takes less for its default of a minute")
	refuse(cfg.OpenGrowth > 1, "OpenGrowth", cfg.OpenGrowth, "0 or 1: gobreaker's timeout is one fixed duration")
	refuse(cfg.OpenJitter > 0, "OpenJitter", cfg.OpenJitter, "0: gobreaker's timeout is one fixed duration")
	return errors.Join(bad...)
}

type breaker struct {
	name   string
	events *resilience.EventQueue // pushed to under mu
	base   time.Time              // all times are durations since then

	// mu protects what follows, and makes one step of each call into gobreaker and the
	// mirror's update by its callback.
	mu        sync.Mutex
	cfg       resilience.BreakerConfig
	installed resilience.BreakerConfig // what gobreaker was made with
	gobreaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	mode      resilience.Mode
	tally     *resilience.Tally // while closed
	free      []*resilience.Record
	why       happening // the step being made, for the transition it may bring
	tripping  bool      // that step is to open it
	opened    string    // why it goes from open to half-open, in words

	// The mirror of gobreaker's state.
	state      resilience.State
	generation uint64
	rejection  *resilience.OpenError // while open
	until      time.Duration         // of being open; while observing, of what would be
	reopened   int                   // how often since last closed
	probes     []*probe              // out now, the oldest first, while half-open
	last       resilience.Transition
}

// A happening is what may change the state: the call, and why it would.
type happening struct {
	ctx    context.Context
	reason string
	counts resilience.Counts
	err    error
}

func (b *breaker) now() time.Duration { return time.Since(b.base) }

// Acquire implements [resilience.Breaker].
func (b *breaker) Acquire(ctx context.Context) (resilience.Permit, error) {
	ticket, rejected := b.admit(ctx)
	b.events.Deliver()
	if rejected != nil {
		b.events.Reject(ctx, b.name, rejected)
		return resilience.Permit{}, rejected
	}
	return resilience.NewPermit(b, ticket), nil
}

func (b *breaker) admit(ctx context.Context) (resilience.Ticket, *resilience.OpenError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.expireLocked(now) // if its timer is late
	if b.countingLocked(now) {
		if reason := b.tally.AtBegin(now); reason != "" {
			b.tripLocked(ctx, now, reason, nil)
		}
	}
	if b.mode != resilience.ModeAutomatic { // gobreaker has no part in this
		return b.admitByHandLocked(now)
	}
	if b.state == resilience.Open && now < b.until {
		return resilience.Ticket{}, b.rejection
	}
	b.why = happening{ctx: ctx, reason: b.opened}
	done, err := b.gobreaker.Allow()
	b.why = happening{}
	switch {
	case errors.Is(err, gobreaker.ErrTooManyRequests):
		return resilience.Ticket{}, &resilience.OpenError{Breaker: b.name, State: resilience.HalfOpen}
	case err != nil:
		return resilience.Ticket{}, b.rejection
	case b.state == resilience.HalfOpen:
		return b.probeLocked(ctx, now, done), nil
	}
	r := b.tally.Begin(now)
	if r == nil {
		r = b.recordLocked()
	}
	r.Cookie = done
	return resilience.Ticket{Generation: b.generation, Record: r}, nil
}

// recordLocked returns a record for a call of which the tally keeps none. Those of calls
// that ended are used again.
func (b *breaker) recordLocked() *resilience.Record {
	n := len(b.free)
	if n == 0 {
		return &resilience.Record{}
	}
	r := b.free[n-1]
	b.free = b.free[:n-1]
	return r
}

func (b *breaker) admitByHandLocked(now time.Duration) (resilience.Ticket, *resilience.OpenError) {
	ticket := resilience.Ticket{Generation: b.generation}
	if b.mode == resilience.ModeOpen {
		return resilience.Ticket{}, b.rejection
	}
	if b.countingLocked(now) {
		ticket.Record = b.tally.Begin(now)
	}
	return ticket, nil
}

// Settle implements [resilience.Settler].
func (b *breaker) Settle(ctx context.Context, t resilience.Ticket, o resilience.Outcome, err error) bool {
	counted := b.settle(ctx, t, o, err)
	b.events.Deliver()
	return counted
}

func (b *breaker) settle(ctx context.Context, t resilience.Ticket, o resilience.Outcome, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	switch {
	case t.Generation != b.generation:
		// gobreaker would drop it as well, but not before moving from open to half-open,
		// which is for the next Acquire to do.
		return false
	case b.state == resilience.HalfOpen:
		return b.settleProbeLocked(ctx, now, t.Record, o, err)
	}
	b.doneLocked(t.Record, o)
	if b.countingLocked(now) {
		if reason := b.tally.End(now, t.Record, o); reason != "" {
			if o == resilience.Success || o == resilience.Neutral {
				err = nil // the call that brings it is not the failure behind it
			}
			b.tripLocked(ctx, now, reason, err)
		}
	}
	return true
}

// doneLocked tells gobreaker, which counts as well but is not asked.
func (b *breaker) doneLocked(r *resilience.Record, o resilience.Outcome) {
	if r == nil {
		return
	}
	done, ok := r.Cookie.(func(error))
	if !ok { // a copy of a permit that is settled already
		return
	}
	done(verdict(o))
	if !b.tally.Records() {
		r.Cookie = nil
		b.free = append(b.free, r)
	}
}

// countingLocked reports whether calls count as of a closed breaker.
func (b *breaker) countingLocked(now time.Duration) bool {
	return b.state == resilience.Closed &&
		(b.mode == resilience.ModeAutomatic || b.mode == resilience.ModeObserve && now >= b.until)
}

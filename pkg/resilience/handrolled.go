package resilience

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// NewBreaker returns the hand-rolled breaker, written to be read. It is safe for
// concurrent use.
//
// While closed with no failure outstanding, Acquire and a success are one atomic read
// each. Everything else happens under one mutex, and every transition starts a new
// generation: a permit remembers the generation that admitted it, and one that comes
// back later changes nothing.
func NewBreaker(cfg BreakerConfig) (Breaker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("resilience: new breaker: %w", err)
	}
	return &breaker{cfg: cfg.WithDefaults(), events: NewEventQueue(cfg.Observer)}, nil
}

type breaker struct {
	cfg BreakerConfig

	// word is what the fast paths need: the generation and two flags. Written under mu.
	word atomic.Uint64

	events *EventQueue // pushed to under mu

	mu         sync.Mutex // protects what follows
	state      State
	generation uint64
	failures   int        // in a row, while closed
	until      time.Time  // while open
	rejection  *OpenError // while open: made once, not for each call
	probes     []probe    // out now, the oldest first, while half-open
	passed     int        // probes that succeeded this period
	lastProbe  uint64
	last       Transition
}

// A probe is a call that half-open admitted.
type probe struct {
	id    uint64
	lease time.Time       // a probe not settled before this has failed
	ctx   context.Context // of its call, which is to blame if it is lost
}

// The word is generation<<flagBits, with these flags.
const (
	flagNotClosed = 1 << iota
	flagFailures  // closed, with failures outstanding
	flagBits      = iota
)

func (b *breaker) Acquire(ctx context.Context) (Permit, error) {
	if word := b.word.Load(); word&flagNotClosed == 0 {
		return NewPermit(b, Ticket{Generation: word >> flagBits}), nil
	}
	ticket, err := b.admit(ctx, time.Now())
	b.events.Deliver()
	if err != nil {
		return Permit{}, err
	}
	return NewPermit(b, ticket), nil
}

func (b *breaker) admit(ctx context.Context, now time.Time) (Ticket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUpLocked(ctx, now)
	ticket := Ticket{Generation: b.generation}
	switch b.state {
	case Open:
		return Ticket{}, b.rejectLocked(ctx, b.rejection)
	case HalfOpen:
		if b.passed+len(b.probes) >= b.cfg.Probes {
			return Ticket{}, b.rejectLocked(ctx, &OpenError{Breaker: b.cfg.Name, State: HalfOpen})
		}
		b.lastProbe++
		ticket.Probe = b.lastProbe
		b.probes = append(b.probes, probe{id: b.lastProbe, lease: now.Add(b.cfg.Lease), ctx: ctx})
	}
	return ticket, nil
}

// rejectLocked queues the rejection behind the transition that explains it.
func (b *breaker) rejectLocked(ctx context.Context, err *OpenError) error {
	b.events.Push(ctx, Event{Kind: EventRejected, Breaker: b.cfg.Name, Err: err})
	return err
}

// Settle implements [Settler].
func (b *breaker) Settle(ctx context.Context, t Ticket, o Outcome, err error) bool {
	if o == Success && b.word.Load() == t.Generation<<flagBits {
		return true
	}
	counted := b.settle(ctx, time.Now(), t, o, err)
	b.events.Deliver()
	return counted
}

func (b *breaker) settle(ctx context.Context, now time.Time, t Ticket, o Outcome, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.Generation != b.generation {
		return false
	}
	if b.state == Closed {
		b.settleCallLocked(ctx, now, o, err)
		return true
	}
	if b.leaseExpired(now) {
		return false // the period is lost already, as the next Acquire will find
	}
	return b.settleProbeLocked(ctx, now, t.Probe, o, err)
}

func (b *breaker) settleCallLocked(ctx context.Context, now time.Time, o Outcome, err error) {
	switch o {
	case Success:
		b.failures = 0
	case Neutral:
	default: // what is no known outcome is a failure, as without a word
		b.failures++
		if b.failures >= b.cfg.Failures {
			b.openLocked(ctx, now, fmt.Sprintf("%d of %d failures in a row", b.failures, b.cfg.Failures), err)
			return
		}
	}
	b.publishLocked()
}

func (b *breaker) settleProbeLocked(ctx context.Context, now time.Time, id uint64, o Outcome, err error) bool {
	if !b.returnProbeLocked(id) {
		return false
	}
	switch o {
	case Success:
		b.passed++
		if b.passed >= b.cfg.Probes {
			b.changeLocked(ctx, Transition{
				To: Closed, At: now,
				Reason: fmt.Sprintf("%d of %d probes succeeded", b.passed, b.cfg.Probes),
			})
		}
	case Neutral:
	default:
		b.openLocked(ctx, now, "a probe failed", err)
	}
	return true
}

func (b *breaker) returnProbeLocked(id uint64) bool {
	for i, p := range b.probes {
		if p.id == id {
			b.probes = append(b.probes[:i], b.probes[i+1:]...)
			return true
		}
	}
	return false
}

// catchUpLocked makes the transitions that time alone has brought about.
func (b *breaker) catchUpLocked(ctx context.Context, now time.Time) {
	if b.leaseExpired(now) {
		lost := b.probes[0]
		b.events.Push(lost.ctx, Event{Kind: EventLeaseExpired, Breaker: b.cfg.Name})
		b.openLocked(lost.ctx, lost.lease, fmt.Sprintf("a probe outlived its lease of %v", b.cfg.Lease), nil)
	}
	if b.state == Open && !now.Before(b.until) {
		b.changeLocked(ctx, Transition{
			To: HalfOpen, At: now,
			Reason: fmt.Sprintf("open for %v, probing", b.cfg.OpenFor),
		})
	}
}

func (b *breaker) leaseExpired(now time.Time) bool {
	return b.state == HalfOpen && len(b.probes) > 0 && !now.Before(b.probes[0].lease)
}

func (b *breaker) openLocked(ctx context.Context, at time.Time, reason string, err error) {
	b.changeLocked(ctx, Transition{
		To: Open, At: at, Until: at.Add(b.cfg.OpenFor), Reason: reason, Failures: b.failures, Err: err,
	})
}

// changeLocked is the only place where the state changes.
func (b *breaker) changeLocked(ctx context.Context, t Transition) {
	t.Breaker, t.From = b.cfg.Name, b.state
	b.state, b.last = t.To, t
	b.generation++
	b.failures, b.passed, b.probes, b.rejection = 0, 0, nil, nil
	if t.To == Open {
		b.until = t.Until
		b.rejection = &OpenError{Breaker: b.cfg.Name, State: Open, Until: t.Until}
	}
	b.publishLocked()
	b.events.Push(ctx, Event{Kind: EventTransition, Breaker: b.cfg.Name, Transition: t, Err: t.Err})
}

func (b *breaker) publishLocked() {
	word := b.generation << flagBits
	if b.state != Closed {
		word |= flagNotClosed
	}
	if b.failures > 0 {
		word |= flagFailures
	}
	b.word.Store(word)
}

func (b *breaker) State() State { return b.Stats().State }

func (b *breaker) Stats() Stats {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{
		Name: b.cfg.Name, State: b.state, Failures: b.failures, FailuresToOpen: b.cfg.Failures,
		ProbesPassed: b.passed, ProbesOut: len(b.probes), ProbesToClose: b.cfg.Probes, Last: b.last,
	}
	if b.state == Open {
		s.Until = b.until
	}
	if b.leaseExpired(now) {
		s.State, s.Until = Open, b.probes[0].lease.Add(b.cfg.OpenFor)
		s.ProbesPassed, s.ProbesOut = 0, 0
	}
	if s.State == Open && !now.Before(s.Until) {
		s.State, s.Until = HalfOpen, time.Time{}
	}
	return s
}

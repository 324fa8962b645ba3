// Package sonybreaker is a circuit breaker backed by github.com/sony/gobreaker/v2,
// behind the same interface and with the same configuration as the hand-rolled one of
// package resilience.
//
// gobreaker decides; this package repairs from outside what it leaves open:
//
//   - An operation that ends its goroutine (runtime.Goexit), or loses its permit, holds
//     gobreaker half-open for ever. Here a permit is settled in a defer, and a probe has a
//     lease after which it counts as failed.
//   - gobreaker runs callbacks under its lock, so that one which asks for the state
//     deadlocks. Here observers are called outside every lock, in order.
//   - gobreaker's State changes the state. Here State is read from a mirror and changes
//     nothing.
//   - gobreaker is still open at exactly the end of its timeout. Here it is half-open, as
//     the hand-rolled breaker is.
//   - gobreaker drops a late result without a word. Here Done says that it did not count.
//
// What remains different:
//
//	an allocation for each admitted call: gobreaker's done callback
//	an expired lease is noticed by a timer: the breaker opens at once, not at the next
//	Acquire, and its observer is called on the timer's goroutine
//	gobreaker reads the clock for itself, so it may admit a probe some microseconds
//	before the Until that was announced
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

// What gobreaker is told about calls: it classifies errors, and these are its classes.
var (
	errFailure = errors.New("failure")
	errNeutral = errors.New("neutral")
)

// New returns a breaker that gobreaker decides. It is safe for concurrent use.
func New(cfg resilience.BreakerConfig) (resilience.Breaker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("sonybreaker: new breaker: %w", err)
	}
	cfg = cfg.WithDefaults()
	if cfg.OpenFor < 2 {
		return nil, fmt.Errorf("sonybreaker: new breaker: %w", &resilience.FieldError{
			Field: "BreakerConfig.OpenFor", Value: cfg.OpenFor, Allowed: "at least 2ns: gobreaker takes less for its default of a minute",
		})
	}
	b := &breaker{
		cfg: cfg, events: resilience.NewEventQueue(cfg.Observer),
		reasons: reasons{
			failures: fmt.Sprintf("%d of %d failures in a row", cfg.Failures, cfg.Failures),
			opened:   fmt.Sprintf("open for %v, probing", cfg.OpenFor),
			passed:   fmt.Sprintf("%d of %d probes succeeded", cfg.Probes, cfg.Probes),
			lease:    fmt.Sprintf("a probe outlived its lease of %v", cfg.Lease),
		},
	}
	b.gobreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        cfg.Name,
		MaxRequests: uint32(cfg.Probes),
		// gobreaker probes strictly after its timeout; durations are whole nanoseconds.
		Timeout:       cfg.OpenFor - 1,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return int64(c.ConsecutiveFailures) >= int64(cfg.Failures) },
		IsExcluded:    func(err error) bool { return errors.Is(err, errNeutral) },
		OnStateChange: b.changedLocked,
	})
	return b, nil
}

type breaker struct {
	cfg       resilience.BreakerConfig
	gobreaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	events    *resilience.EventQueue // pushed to under mu
	reasons   reasons

	// mu protects what follows, and makes one step of each call into gobreaker and the
	// mirror's update by its callback.
	mu         sync.Mutex
	state      resilience.State // mirror of gobreaker's
	generation uint64           // of the mirror: one for each change of state
	until      time.Time        // while open
	probes     []*probe         // out now, the oldest first, while half-open
	lastProbe  uint64
	last       resilience.Transition
	why        happening // the step being made, for the transition it may bring
}

// reasons are the words for each transition, made once: gobreaker says only afterwards
// which call brought one.
type reasons struct{ failures, opened, passed, lease string }

// A probe is a call that half-open admitted.
type probe struct {
	id    uint64
	lease time.Time
	timer *time.Timer // fires at the end of the lease
	done  func(error) // gobreaker's
}

// A happening is what may change the state: the call, and why it would.
type happening struct {
	ctx    context.Context
	reason string
	err    error
}

func (b *breaker) Acquire(ctx context.Context) (resilience.Permit, error) {
	ticket, err := b.admit(ctx)
	b.events.Deliver()
	if err != nil {
		return resilience.Permit{}, err
	}
	return resilience.NewPermit(b, ticket), nil
}

func (b *breaker) admit(ctx context.Context) (resilience.Ticket, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.leaseExpired(now) { // its timer is late
		b.expireLocked(ctx)
	}
	b.why = happening{ctx: ctx, reason: b.reasons.opened}
	done, err := b.gobreaker.Allow()
	switch {
	case errors.Is(err, gobreaker.ErrTooManyRequests):
		return resilience.Ticket{}, b.rejectLocked(ctx, &resilience.OpenError{Breaker: b.cfg.Name, State: resilience.HalfOpen})
	case err != nil:
		return resilience.Ticket{}, b.rejectLocked(ctx, &resilience.OpenError{
			Breaker: b.cfg.Name, State: resilience.Open, Until: b.until,
		})
	}
	ticket := resilience.Ticket{Generation: b.generation, Cookie: done}
	if b.state == resilience.HalfOpen {
		b.lastProbe++
		ticket.Probe = b.lastProbe
		p := &probe{id: b.lastProbe, lease: now.Add(b.cfg.Lease), done: done}
		generation := b.generation
		p.timer = time.AfterFunc(b.cfg.Lease, func() { b.leaseEnded(ctx, generation) })
		b.probes = append(b.probes, p)
	}
	return ticket, nil
}

// rejectLocked queues the rejection behind the transition that explains it.
func (b *breaker) rejectLocked(ctx context.Context, err *resilience.OpenError) error {
	b.events.Push(ctx, resilience.Event{Kind: resilience.EventRejected, Breaker: b.cfg.Name, Err: err})
	return err
}

// leaseEnded is what a probe's timer calls.
func (b *breaker) leaseEnded(ctx context.Context, generation uint64) {
	b.mu.Lock()
	if b.generation == generation && b.leaseExpired(time.Now()) {
		b.expireLocked(ctx)
	}
	b.mu.Unlock()
	b.events.Deliver()
}

// expireLocked tells gobreaker that the oldest probe failed.
func (b *breaker) expireLocked(ctx context.Context) {
	b.events.Push(ctx, resilience.Event{Kind: resilience.EventLeaseExpired, Breaker: b.cfg.Name})
	b.why = happening{ctx: ctx, reason: b.reasons.lease}
	b.probes[0].done(errFailure)
}

func (b *breaker) leaseExpired(now time.Time) bool {
	return b.state == resilience.HalfOpen && len(b.probes) > 0 && !now.Before(b.probes[0].lease)
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
	// gobreaker would drop an old result as well, but not before moving from open to
	// half-open, which is for the next Acquire to do.
	if t.Generation != b.generation || b.leaseExpired(time.Now()) {
		return false
	}
	if t.Probe > 0 && !b.returnProbeLocked(t.Probe) {
		return false
	}
	done := t.Cookie.(func(error))
	switch o {
	case resilience.Success:
		b.why = happening{ctx: ctx, reason: b.reasons.passed}
		done(nil)
	case resilience.Neutral:
		done(errNeutral)
	default:
		b.why = happening{ctx: ctx, err: err, reason: "a probe failed"}
		if b.state == resilience.Closed {
			b.why.reason = b.reasons.failures
		}
		done(errFailure)
	}
	return true
}

func (b *breaker) returnProbeLocked(id uint64) bool {
	for i, p := range b.probes {
		if p.id == id {
			p.timer.Stop()
			b.probes = append(b.probes[:i], b.probes[i+1:]...)
			return true
		}
	}
	return false
}

// changedLocked is gobreaker's callback. It runs under gobreaker's lock, so it only
// writes down what happened.
func (b *breaker) changedLocked(_ string, _, to gobreaker.State) {
	now := time.Now()
	t := resilience.Transition{
		Breaker: b.cfg.Name, From: b.state, At: now, Reason: b.why.reason, Err: b.why.err,
	}
	b.until = time.Time{}
	switch to {
	case gobreaker.StateOpen:
		t.To = resilience.Open
		if b.state == resilience.Closed {
			t.Failures = b.cfg.Failures
		}
		b.until = now.Add(b.cfg.OpenFor)
		t.Until = b.until
	case gobreaker.StateHalfOpen:
		t.To = resilience.HalfOpen
	default:
		t.To = resilience.Closed
	}
	for _, p := range b.probes {
		p.timer.Stop()
	}
	b.state, b.last, b.probes = t.To, t, nil
	b.generation++
	b.events.Push(b.why.ctx, resilience.Event{
		Kind: resilience.EventTransition, Breaker: b.cfg.Name, Transition: t, Err: t.Err,
	})
}

func (b *breaker) State() resilience.State { return b.Stats().State }

func (b *breaker) Stats() resilience.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s := resilience.Stats{
		Name: b.cfg.Name, State: b.state, FailuresToOpen: b.cfg.Failures, ProbesToClose: b.cfg.Probes,
		ProbesOut: len(b.probes), Until: b.until, Last: b.last,
	}
	lost := b.leaseExpired(now)
	if lost {
		s.State, s.Until = resilience.Open, b.probes[0].lease.Add(b.cfg.OpenFor)
	}
	if s.State == resilience.Open && !now.Before(s.Until) {
		s.State, s.Until = resilience.HalfOpen, time.Time{}
	}
	if lost || s.State != b.state {
		s.ProbesOut = 0
		return s
	}
	counts := b.gobreaker.Counts()
	switch s.State {
	case resilience.Closed:
		s.Failures = int(counts.ConsecutiveFailures)
	case resilience.HalfOpen:
		s.ProbesPassed = int(counts.ConsecutiveSuccesses)
	}
	return s
}

package sonybreaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"

	"reliability/pkg/resilience"
)

// What gobreaker is told about calls: it classifies errors, and these are its classes.
var (
	errFailure = errors.New("failure")
	errNeutral = errors.New("neutral")
)

func verdict(o resilience.Outcome) error {
	switch o {
	case resilience.Success:
		return nil
	case resilience.Neutral:
		return errNeutral
	default: // what is no known outcome is a failure
		return errFailure
	}
}

// renewLocked puts a new gobreaker in place, which is closed.
func (b *breaker) renewLocked() {
	b.installed = b.cfg
	b.opened = fmt.Sprintf("open for %v, probing", b.cfg.OpenFor)
	b.gobreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        b.name,
		MaxRequests: uint32(b.cfg.Probes),
		// gobreaker probes strictly after its timeout; durations are whole nanoseconds.
		Timeout: b.cfg.OpenFor - 1,
		// The rules are the tally's. When one is met, tripLocked says so.
		ReadyToTrip:   func(gobreaker.Counts) bool { return b.tripping },
		IsExcluded:    func(err error) bool { return errors.Is(err, errNeutral) },
		OnStateChange: func(_ string, _, to gobreaker.State) { b.changedLocked(to) },
	})
}

// tripLocked is what happens when a rule is met: one more call to gobreaker, which fails
// and after which it is to open.
func (b *breaker) tripLocked(ctx context.Context, now time.Duration, reason string, err error) {
	why := happening{ctx: ctx, reason: reason, counts: b.tally.Counts(now), err: err}
	if b.mode == resilience.ModeObserve {
		b.wouldOpenLocked(now, why)
		return
	}
	done, refused := b.gobreaker.Allow()
	if refused != nil { // it is open already, which a closed mirror excludes
		return
	}
	b.why, b.tripping = why, true
	done(errFailure)
	b.why, b.tripping = happening{}, false
}

func (b *breaker) wouldOpenLocked(now time.Duration, why happening) {
	b.startLocked()
	b.until = now + b.cfg.OpenFor
	b.events.Push(why.ctx, resilience.Event{
		Kind: resilience.EventWouldOpen, Name: b.name, Err: why.err,
		Transition: resilience.Transition{
			Breaker: b.name, From: resilience.Closed, To: resilience.Open, At: b.base.Add(now), Reason: why.reason,
			Until: b.base.Add(b.until), Err: why.err, Counts: why.counts,
		},
	})
}

// changedLocked is gobreaker's callback. It runs under gobreaker's lock, so it only
// writes down what happened.
func (b *breaker) changedLocked(to gobreaker.State) {
	switch to {
	case gobreaker.StateOpen:
		b.changeLocked(resilience.Open)
	case gobreaker.StateHalfOpen:
		b.changeLocked(resilience.HalfOpen)
	case gobreaker.StateClosed:
		b.changeLocked(resilience.Closed)
	}
}

// changeLocked is the only place where the mirror's state changes.
func (b *breaker) changeLocked(to resilience.State) {
	now := b.now()
	t := resilience.Transition{
		Breaker: b.name, From: b.state, To: to, At: b.base.Add(now), Reason: b.why.reason, Err: b.why.err, Counts: b.why.counts,
	}
	b.state = to
	b.startLocked()
	switch to {
	case resilience.Closed:
		b.reopened = 0
		if b.installed.OpenFor != b.cfg.OpenFor || b.installed.Probes != b.cfg.Probes {
			b.renewLocked()
		}
	case resilience.HalfOpen:
	case resilience.Open:
		if t.From == resilience.HalfOpen {
			b.reopened++
		}
		if b.mode != resilience.ModeOpen {
			b.until = now + b.installed.OpenFor
			t.Until = b.base.Add(b.until)
		}
		b.rejection = &resilience.OpenError{Breaker: b.name, State: resilience.Open, Until: t.Until}
	}
	b.last = t
	b.events.Push(b.why.ctx, resilience.Event{Kind: resilience.EventTransition, Name: b.name, Transition: t, Err: t.Err})
}

// startLocked begins a new generation, with nothing counted and nobody out.
func (b *breaker) startLocked() {
	for _, p := range b.probes {
		p.timer.Stop()
	}
	b.probes, b.rejection, b.until = nil, nil, 0
	b.generation++
	b.tally.Reset()
}

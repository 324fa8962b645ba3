package sonybreaker

import (
	"context"
	"errors"
	"fmt"

	"reliability/pkg/resilience"
)

// Force implements [resilience.Breaker]. gobreaker cannot be forced: it is left out of it
// while the breaker is under manual control, and begins anew afterwards.
func (b *breaker) Force(ctx context.Context, m resilience.Mode) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("sonybreaker: force breaker %q: %w", b.name, err)
	}
	b.force(ctx, m)
	b.events.Deliver()
	return nil
}

func (b *breaker) force(ctx context.Context, m resilience.Mode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m == b.mode {
		return
	}
	b.expireLocked(b.now()) // if its timer is late
	b.mode = m
	b.events.Push(ctx, resilience.Event{Kind: resilience.EventMode, Name: b.name, Mode: m})
	b.renewLocked()
	to := resilience.Closed
	if m == resilience.ModeOpen {
		to = resilience.Open
	}
	if to == b.state { // no transition, but a new generation under another regime
		b.startLocked()
		if to == resilience.Open {
			b.rejection = &resilience.OpenError{Breaker: b.name, State: resilience.Open}
		}
		return
	}
	b.why = happening{ctx: ctx, reason: m.Reason()}
	b.changeLocked(to)
	b.why = happening{}
}

// Reconfigure implements [resilience.Breaker].
func (b *breaker) Reconfigure(cfg resilience.BreakerConfig) error {
	if err := b.reconfigure(cfg); err != nil {
		return fmt.Errorf("sonybreaker: reconfigure breaker %q: %w", b.name, err)
	}
	b.events.Deliver()
	return nil
}

func (b *breaker) reconfigure(cfg resilience.BreakerConfig) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next, err := resilience.Reconfigured(b.cfg, cfg)
	if err = errors.Join(refusals(cfg), err); err != nil {
		return err
	}
	b.expireLocked(b.now()) // if its timer is late
	b.cfg = next
	b.tally.Reconfigure(next)
	if b.state == resilience.Closed {
		b.renewLocked()
	}
	return nil
}

// State implements [resilience.Breaker].
func (b *breaker) State() resilience.State { return b.Stats().State }

// Stats implements [resilience.Breaker].
func (b *breaker) Stats() resilience.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	s := resilience.StatsOf(b.cfg)
	s.State, s.Mode, s.Reopened, s.Last, s.ProbesToClose = b.state, b.mode, b.reopened, b.last, b.installed.Probes
	until := b.until
	lost := b.lostProbeLocked(now)
	switch {
	case lost != nil: // its timer is late
		s.State, s.Reopened = resilience.Open, b.reopened+1
		until = lost.lease + b.installed.OpenFor
	case b.state == resilience.HalfOpen:
		s.ProbesPassed, s.ProbesOut = int(b.gobreaker.Counts().ConsecutiveSuccesses), len(b.probes)
	case b.countingLocked(now) && b.tally.Met(now):
		until = now + b.installed.OpenFor
		if b.mode == resilience.ModeAutomatic {
			s.State = resilience.Open
		}
	case b.state == resilience.Closed:
		s.Counts = b.tally.Counts(now)
	}
	if b.mode == resilience.ModeOpen {
		return s
	}
	if s.State == resilience.Open && now >= until {
		s.State = resilience.HalfOpen
	}
	if s.State == resilience.Open || b.mode == resilience.ModeObserve && now < until {
		s.Until = b.base.Add(until)
	}
	return s
}

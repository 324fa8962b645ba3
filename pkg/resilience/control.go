package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Force implements [Breaker].
func (b *breaker) Force(ctx context.Context, m Mode) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("resilience: force breaker %q: %w", b.name, err)
	}
	b.force(ctx, b.now(), m)
	b.events.Deliver()
	return nil
}

func (b *breaker) force(ctx context.Context, now time.Duration, m Mode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m == b.mode {
		return
	}
	b.expireLocked(now)
	b.mode = m
	b.events.Push(ctx, Event{Kind: EventMode, Name: b.name, Mode: m})
	to := Closed
	if m == ModeOpen {
		to = Open
	}
	if to == b.state { // no transition, but a new generation under another regime
		b.startLocked(now)
		return
	}
	b.changeLocked(ctx, now, Transition{To: to, Reason: m.Reason()})
}

// Reconfigure implements [Breaker].
func (b *breaker) Reconfigure(cfg BreakerConfig) error {
	if err := b.reconfigure(b.now(), cfg); err != nil {
		return fmt.Errorf("resilience: reconfigure breaker %q: %w", b.name, err)
	}
	b.events.Deliver()
	return nil
}

func (b *breaker) reconfigure(now time.Duration, cfg BreakerConfig) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	cfg, err := Reconfigured(b.cfg, cfg)
	if err != nil {
		return err
	}
	b.expireLocked(now) // it is announced already, by Stats
	b.cfg = cfg
	b.tally.Reconfigure(cfg)
	b.publishLocked()
	return nil
}

// State implements [Breaker].
func (b *breaker) State() State { return b.Stats().State }

// Stats implements [Breaker].
func (b *breaker) Stats() Stats {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := StatsOf(b.cfg)
	s.State, s.Mode, s.Reopened, s.Last = b.state, b.mode, b.reopened, b.last
	until := b.until
	lost := b.lostProbeLocked(now)
	switch {
	case lost != nil:
		s.State, s.Reopened = Open, b.reopened+1
		until = lost.lease + b.cfg.openTime(s.Reopened, b.spread)
	case b.state == HalfOpen && b.passed >= b.cfg.Probes:
		s.State, s.Reopened = Closed, 0
	case b.state == HalfOpen:
		s.ProbesPassed, s.ProbesOut = b.passed, len(b.probes)
	case b.state == Closed && b.countingLocked(now) && b.tally.Met(now):
		until = now + b.cfg.openTime(0, b.spread)
		if b.mode == ModeAutomatic {
			s.State = Open
		}
	case b.state == Closed:
		s.Counts = b.tally.Counts(now)
	}
	if s.State == Open && now >= until {
		s.State = HalfOpen
	}
	if s.State == Open && b.mode != ModeOpen || b.mode == ModeObserve && now < until {
		s.Until = b.base.Add(until)
	}
	return s
}

// Reconfigured is for those who implement a [Breaker]: what Reconfigure(next) makes of
// the present configuration, defaults filled in, or why it is refused.
func Reconfigured(present, next BreakerConfig) (BreakerConfig, error) {
	bad := fieldErrors{}
	bad.require(next.Name == "" || next.Name == present.Name, "BreakerConfig.Name", next.Name,
		fmt.Sprintf("empty or %q, which stays", present.Name))
	if err := next.Validate(); err != nil {
		bad = append(bad, err)
	}
	if len(bad) > 0 {
		return BreakerConfig{}, errors.Join(bad...)
	}
	next.Name, next.Observer = present.Name, present.Observer
	return next.WithDefaults(), nil
}

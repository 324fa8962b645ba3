package sonybreaker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"reliability/pkg/resilience"
)

// A probe is a call that half-open admitted.
type probe struct {
	ctx   context.Context // of its call, which is to blame if it is lost
	begin time.Duration
	lease time.Duration // its end
	timer *time.Timer   // fires at the end of the lease
	done  func(error)   // gobreaker's
}

func (b *breaker) probeLocked(ctx context.Context, now time.Duration, done func(error)) resilience.Ticket {
	generation := b.generation
	p := &probe{
		ctx: ctx, begin: now, lease: now + b.cfg.Lease, done: done,
		timer: time.AfterFunc(b.cfg.Lease, func() { b.leaseEnded(generation) }),
	}
	b.probes = append(b.probes, p)
	return resilience.Ticket{Generation: generation, Record: &resilience.Record{Cookie: p}}
}

// leaseEnded is what a probe's timer calls.
func (b *breaker) leaseEnded(generation uint64) {
	b.mu.Lock()
	if b.generation == generation {
		b.expireLocked(b.now())
	}
	b.mu.Unlock()
	b.events.Deliver()
}

// expireLocked tells gobreaker that a probe has failed, if one has outlived its lease.
func (b *breaker) expireLocked(now time.Duration) {
	lost := b.lostProbeLocked(now)
	if lost == nil {
		return
	}
	b.events.Push(lost.ctx, resilience.Event{Kind: resilience.EventLeaseExpired, Name: b.name})
	b.why = happening{ctx: lost.ctx, reason: fmt.Sprintf("a probe outlived its lease of %v", lost.lease-lost.begin)}
	lost.done(errFailure)
	b.why = happening{}
}

// lostProbeLocked returns the probe whose lease ended first, of those whose lease has, or nil.
func (b *breaker) lostProbeLocked(now time.Duration) *probe {
	var lost *probe
	for _, p := range b.probes {
		if now >= p.lease && (lost == nil || p.lease < lost.lease) {
			lost = p
		}
	}
	return lost
}

func (b *breaker) settleProbeLocked(ctx context.Context, now time.Duration, r *resilience.Record, o resilience.Outcome, err error) bool {
	if b.lostProbeLocked(now) != nil {
		return false // the period is lost already, and the timer about to say so
	}
	if r == nil {
		return false
	}
	p, _ := r.Cookie.(*probe)
	i := slices.Index(b.probes, p)
	if i < 0 {
		return false
	}
	p.timer.Stop()
	b.probes = slices.Delete(b.probes, i, i+1)
	took := now - p.begin
	b.why = happening{ctx: ctx, reason: fmt.Sprintf("%d of %d probes succeeded", b.installed.Probes, b.installed.Probes)}
	switch {
	case o != resilience.Success && o != resilience.Neutral:
		b.why = happening{ctx: ctx, reason: "a probe failed", err: err}
	case o == resilience.Success && b.cfg.SlowRate > 0 && took >= b.cfg.SlowAfter:
		b.why.reason = fmt.Sprintf("a probe took %v, slow is %v", took, b.cfg.SlowAfter)
		o = resilience.Failure
	}
	p.done(verdict(o))
	b.why = happening{}
	return true
}

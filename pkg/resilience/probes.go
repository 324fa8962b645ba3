package resilience

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A probe is a call that half-open admitted.
type probe struct {
	begin time.Duration
	lease time.Duration   // its end: a probe not settled before has failed
	ctx   context.Context // of its call, which is to blame if it is lost
}

func (b *breaker) settleProbeLocked(ctx context.Context, now time.Duration, r *Record, o Outcome, err error) bool {
	if b.lostProbeLocked(now) != nil {
		return false // the period is lost already, as the next Acquire will find
	}
	if r == nil {
		return false
	}
	p, _ := r.Cookie.(*probe)
	i := slices.Index(b.probes, p)
	if i < 0 {
		return false
	}
	took := now - p.begin
	b.probes = slices.Delete(b.probes, i, i+1)
	switch {
	case o == Neutral:
	case o != Success:
		b.changeLocked(ctx, now, Transition{To: Open, Reason: "a probe failed", Err: err})
	case b.cfg.SlowRate > 0 && took >= b.cfg.SlowAfter:
		b.changeLocked(ctx, now, Transition{
			To: Open, Reason: fmt.Sprintf("a probe took %v, slow is %v", took, b.cfg.SlowAfter),
		})
	default:
		b.passed++
		b.passLocked(ctx, now)
	}
	return true
}

// passLocked closes the breaker when enough probes have succeeded.
func (b *breaker) passLocked(ctx context.Context, now time.Duration) {
	if b.state == HalfOpen && b.passed >= b.cfg.Probes {
		b.changeLocked(ctx, now, Transition{
			To: Closed, Reason: fmt.Sprintf("%d of %d probes succeeded", b.passed, b.cfg.Probes),
		})
	}
}

// expireLocked opens the breaker if a probe has outlived its lease: at the moment that it
// did, however late that is noticed.
func (b *breaker) expireLocked(now time.Duration) {
	lost := b.lostProbeLocked(now)
	if lost == nil {
		return
	}
	b.events.Push(lost.ctx, Event{Kind: EventLeaseExpired, Name: b.name})
	b.changeLocked(lost.ctx, lost.lease, Transition{
		To: Open, Reason: fmt.Sprintf("a probe outlived its lease of %v", lost.lease-lost.begin),
	})
}

// lostProbeLocked returns the probe whose lease ended first, of those whose lease has, or nil.
// That need not be the oldest: Reconfigure may have given a younger one a shorter lease.
func (b *breaker) lostProbeLocked(now time.Duration) *probe {
	var lost *probe
	for _, p := range b.probes {
		if now >= p.lease && (lost == nil || p.lease < lost.lease) {
			lost = p
		}
	}
	return lost
}

package flaky

import (
	"context"
	"math"
	"time"
)

// followCrashes lets every crash happen when its time has come, until ctx ends.
func (s *Service) followCrashes(ctx context.Context) {
	for ctx.Err() == nil {
		p := s.inForce.Load()
		from, to, crash := p.outageAt(time.Since(p.since))
		if crash == nil {
			s.untilSuperseded(ctx, p, forever)
			continue
		}
		if !s.untilSuperseded(ctx, p, from-time.Since(p.since)) {
			continue
		}
		s.crash(ctx, p, to, crash)
	}
}

// crash ends the process or, in the lab, the public side until its time has come again or
// something else is in force.
func (s *Service) crash(ctx context.Context, p *profile, to time.Duration, crash *Crash) {
	if s.cfg.Exit != nil {
		s.applying.Lock() // whoever puts something else in force at this moment has come first, or gets no answer
		if s.inForce.Load() == p {
			s.tel.Logger.WarnContext(ctx, "injected fault: crash", "exit_code", crash.ExitCode)
			s.cfg.Exit(crash.ExitCode)
		}
		s.applying.Unlock()
		s.untilSuperseded(ctx, p, to-time.Since(p.since)) // for an Exit that returns
		return
	}
	s.tel.Logger.WarnContext(ctx, "injected fault: crash; the listener is closed", "until", p.since.Add(to))
	back := make(chan struct{})
	for !s.server.Outage(back) { // not quite back from the last one
		if time.Since(p.since) >= to || !s.untilSuperseded(ctx, p, time.Millisecond) {
			return
		}
	}
	s.untilSuperseded(ctx, p, to-time.Since(p.since))
	close(back)
	s.tel.Logger.InfoContext(ctx, "back after an injected crash")
}

// forever is 292 years.
const forever = time.Duration(math.MaxInt64)

// untilSuperseded waits for d and reports true, or false as soon as ctx ends or p is no
// longer in force. What is already past is not waited for.
func (s *Service) untilSuperseded(ctx context.Context, p *profile, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.superseded:
	case <-ctx.Done():
	}
	return false
}

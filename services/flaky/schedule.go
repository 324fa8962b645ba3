package flaky

import (
	"context"
	"time"
)

// An episode is an uninterrupted stretch of time in which the same faults are in force: a
// phase of the schedule, or the time outside it. What fail_first counts begins with it.
type episode struct {
	faults  *Faults
	index   int           // of the phase in the schedule; -1: outside it
	number  int64         // how many episodes came before
	begins  time.Duration // since the document was put in force
	ends    time.Duration // 0: never
	failing failing
}

// episodeAt returns the episode at a moment, counted from when the document was put in
// force. A phase begins with its first instant and ends before the next one's.
func (d *Document) episodeAt(elapsed time.Duration) *episode {
	var total time.Duration
	for _, phase := range d.Schedule {
		total += time.Duration(phase.For)
	}
	rounds := int64(0)
	if total > 0 && d.Loop {
		rounds = int64(elapsed / total)
	}
	begins := time.Duration(rounds) * total
	for i := range d.Schedule {
		phase := &d.Schedule[i]
		ends := begins + time.Duration(phase.For)
		if elapsed < ends {
			return &episode{faults: &phase.Faults, index: i, number: rounds*int64(len(d.Schedule)) + int64(i), begins: begins, ends: ends}
		}
		begins = ends
	}
	return &episode{faults: &d.Faults, index: -1, number: int64(len(d.Schedule)), begins: begins}
}

// outageAt returns the outage by crash that goes on at a moment or, if none does, comes
// next, both as times since the document was put in force.
func (d *Document) outageAt(elapsed time.Duration) (from, to time.Duration, crash *Crash) {
	at := elapsed
	for range len(d.Schedule) + 1 { // a loop comes to each phase once
		e := d.episodeAt(at)
		if c := e.faults.Crash; c != nil {
			from = e.begins + time.Duration(c.After)
			to = from + time.Duration(c.BackAfter)
			if e.ends > 0 {
				to = min(to, e.ends)
			}
			if elapsed < to && from < to {
				return from, to, c
			}
		}
		if e.ends == 0 {
			break
		}
		at = e.ends
	}
	return 0, 0, nil
}

// followSchedule puts the capacity of each phase in force when it begins, for those that
// wait already, until ctx ends. Everything else is looked up by each request.
func (s *Service) followSchedule(ctx context.Context) {
	for ctx.Err() == nil {
		p, now := s.inForce.Load(), time.Now()
		wait := forever
		if e := s.pool.configure(p, now); e.ends > 0 {
			wait = e.ends - now.Sub(p.since)
		}
		s.untilSuperseded(ctx, p, wait)
	}
}

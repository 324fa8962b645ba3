package experiment

import (
	"fmt"
	"sync/atomic"
	"time"

	"reliability/internal/experiment/report"
)

// A lateness is by how much the latest of a run's calls began after it was due. Nothing but
// this machine decides that, so it tells whether the machine had time for the experiment.
// It is safe for concurrent use.
type lateness struct{ worst atomic.Int64 }

func (l *lateness) add(d time.Duration) {
	for {
		worst := l.worst.Load()
		if int64(d) <= worst || l.worst.CompareAndSwap(worst, int64(d)) {
			return
		}
	}
}

// excuse makes failed verdicts inconclusive where the machine was so busy that an attempt
// may have run out of time through no fault of the services: half of the timeout.
// It reports whether there were any.
func (l *lateness) excuse(r *report.Result) (excused bool) {
	worst := time.Duration(l.worst.Load())
	if worst <= r.Unit/2 {
		return false
	}
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.Outcome == report.Fail {
			v.Outcome, excused = report.Inconclusive, true
			v.Why = fmt.Sprintf("this machine was too busy to tell: a call began %v after it was due; expected %s, seen %s", worst.Round(time.Millisecond), v.Expected, v.Seen)
		}
	}
	return excused
}

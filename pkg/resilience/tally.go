package resilience

import (
	"fmt"
	"time"
)

// A Tally is the memory of a closed breaker: what has been counted, and whether a rule
// of its [BreakerConfig] is met. It is for those who implement a [Breaker], and both
// engines here use it. It is not safe for concurrent use: the breaker's lock guards it.
//
// Every now is the time since one fixed moment that the breaker chooses.
type Tally struct {
	cfg      BreakerConfig
	failures int // in a row
	window   window
	slow     int // in the window when the last call ended; there may be fewer by now
	running  inFlight
}

// NewTally returns an empty tally for c, which must have its defaults filled in.
func NewTally(c BreakerConfig) *Tally { return &Tally{cfg: c, window: newWindow(c)} }

// Records reports whether the tally wants to know when a call begins.
func (t *Tally) Records() bool { return t.cfg.SlowRate > 0 }

// Idle reports whether a success now would change nothing: there is no window, and no
// failure outstanding.
func (t *Tally) Idle() bool { return t.window == nil && t.failures == 0 }

// Begin makes a record of a call, or returns nil if slow calls do not count.
func (t *Tally) Begin(now time.Duration) *Record {
	if !t.Records() {
		return nil
	}
	return t.running.add(now)
}

// End counts a call that ended now, and says which rule is met then, or "". r is what
// Begin returned, or nil; a record that was dropped since makes a call that is not slow.
func (t *Tally) End(now time.Duration, r *Record, o Outcome) string {
	slow := false
	if r != nil && r.listed {
		slow = now-r.begin >= t.cfg.SlowAfter
		t.running.remove(r)
	}
	failed := o != Success && o != Neutral // what is no known outcome is a failure
	switch {
	case failed:
		t.failures++
	case o == Success:
		t.failures = 0
	}
	if t.window == nil {
		return t.consecutive()
	}
	var sum windowSum
	if o == Neutral {
		sum = t.window.sum(now)
	} else {
		sum = t.window.add(now, failed, slow)
	}
	t.slow = sum.slow
	t.running.advance(now, t.cfg.SlowAfter)
	if sum.failed+sum.slow+t.running.overdue+t.failures == 0 { // as long as all is well, this is all
		return ""
	}
	return t.met(sum)
}

// met says which rule is met, the first of them if there are several.
func (t *Tally) met(sum windowSum) string {
	if reason := t.consecutive(); reason != "" {
		return reason
	}
	if reason := t.failureRate(sum); reason != "" {
		return reason
	}
	return t.slowRate(sum, t.running.overdue)
}

// AtBegin says whether the calls that are running now open the breaker before the next
// one begins, or "".
func (t *Tally) AtBegin(now time.Duration) string {
	if !t.Records() || t.quiet(now) {
		return ""
	}
	t.running.advance(now, t.cfg.SlowAfter)
	return t.slowRate(t.window.sum(now), t.running.overdue)
}

// quiet reports that there is no slow call, ended or running: what AtBegin finds nearly
// always, quickly.
func (t *Tally) quiet(now time.Duration) bool {
	r := t.running.firstYoung
	return t.slow == 0 && t.running.overdue == 0 && (r == nil || now-r.begin < t.cfg.SlowAfter)
}

// Met is AtBegin for those who only look: it changes nothing.
func (t *Tally) Met(now time.Duration) bool {
	return t.Records() && t.slowRate(t.window.sum(now), t.running.overdueAt(now, t.cfg.SlowAfter)) != ""
}

func (t *Tally) consecutive() string {
	if t.cfg.Failures == 0 || t.failures < t.cfg.Failures {
		return ""
	}
	return fmt.Sprintf("%d of %d failures in a row", t.failures, t.cfg.Failures)
}

func (t *Tally) failureRate(sum windowSum) string {
	if t.cfg.FailureRate == 0 || sum.calls < t.cfg.MinCalls || !atLeast(sum.failed, sum.calls, t.cfg.FailureRate) {
		return ""
	}
	return fmt.Sprintf("%d of %s failed, at least %.4g%%", sum.failed, t.inWindow(sum.calls), 100*t.cfg.FailureRate)
}

func (t *Tally) slowRate(sum windowSum, overdue int) string {
	calls, slow := sum.calls+overdue, sum.slow+overdue
	if t.cfg.SlowRate == 0 || calls < t.cfg.MinCalls || !atLeast(slow, calls, t.cfg.SlowRate) {
		return ""
	}
	reason := fmt.Sprintf("%d of %s took %v or longer, at least %.4g%%", slow, t.inWindow(calls), t.cfg.SlowAfter, 100*t.cfg.SlowRate)
	if overdue > 0 {
		reason += fmt.Sprintf(" (%d of them still running)", overdue)
	}
	return reason
}

// atLeast compares by dividing, because k/n is the nearest float to its rate while
// rate × n may be just above k: 0.07 × 100 is 7.000000000000001.
func atLeast(k, n int, rate float64) bool { return float64(k)/float64(n) >= rate }

func (t *Tally) inWindow(calls int) string {
	if t.cfg.WindowCalls > 0 {
		return fmt.Sprintf("the last %d calls", calls)
	}
	return fmt.Sprintf("%d calls in the last %v", calls, t.cfg.WindowTime)
}

// Counts says what has been counted, as of now. It changes nothing.
func (t *Tally) Counts(now time.Duration) Counts {
	c := Counts{Failures: t.failures}
	if t.window != nil {
		sum := t.window.sum(now)
		c.Calls, c.Failed, c.Slow = sum.calls, sum.failed, sum.slow
	}
	if t.Records() {
		c.Overdue = t.running.overdueAt(now, t.cfg.SlowAfter)
	}
	return c
}

// Reset forgets everything counted, and the calls in flight.
func (t *Tally) Reset() {
	t.failures, t.slow = 0, 0
	if t.window != nil {
		t.window.reset()
	}
	t.running.reset()
}

// Reconfigure goes on under c, which must have its defaults filled in. What the window
// holds stays if the window has the same shape; calls in flight stay while slow ones
// count, and are measured against the new SlowAfter.
func (t *Tally) Reconfigure(c BreakerConfig) {
	old := t.cfg
	t.cfg = c
	if c.WindowCalls != old.WindowCalls || c.WindowTime != old.WindowTime {
		t.window, t.slow = newWindow(c), 0
	}
	if t.Records() {
		t.running.restart()
	} else {
		t.running.reset()
	}
}

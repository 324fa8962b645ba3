package resilience

import "time"

// windowBuckets is into how many parts a window of time is divided.
const windowBuckets = 10

// windowSum is what a window holds.
type windowSum struct{ calls, failed, slow int }

func (s *windowSum) add(failed, slow bool, n int) {
	s.calls += n
	if failed {
		s.failed += n
	}
	if slow {
		s.slow += n
	}
}

// A window remembers the calls that ended lately. now never decreases by more than the
// time between reading the clock and taking the breaker's lock; such a straggler counts
// as the present.
type window interface {
	// add counts a call that ended now, and returns what the window then holds.
	add(now time.Duration, failed, slow bool) windowSum
	// sum returns what the window holds now, and changes nothing.
	sum(now time.Duration) windowSum
	reset()
}

// newWindow returns the window that c asks for, or nil if no rule needs one.
func newWindow(c BreakerConfig) window {
	switch {
	case c.FailureRate == 0 && c.SlowRate == 0:
		return nil
	case c.WindowCalls > 0:
		return &callWindow{ring: make([]windowCall, c.WindowCalls)}
	default:
		return newTimeWindow(c.WindowTime)
	}
}

// A callWindow holds the last len(ring) calls.
type callWindow struct {
	ring  []windowCall
	next  int // where the next call goes: over the oldest, once the ring is full
	total windowSum
}

type windowCall struct{ failed, slow bool }

func (w *callWindow) add(_ time.Duration, failed, slow bool) windowSum {
	if w.total.calls == len(w.ring) {
		oldest := w.ring[w.next]
		w.total.add(oldest.failed, oldest.slow, -1)
	}
	w.ring[w.next] = windowCall{failed, slow}
	w.total.add(failed, slow, 1)
	w.next++
	if w.next == len(w.ring) {
		w.next = 0
	}
	return w.total
}

func (w *callWindow) sum(time.Duration) windowSum { return w.total }

func (w *callWindow) reset() { w.next, w.total = 0, windowSum{} }

// A timeWindow holds the calls of the last windowBuckets buckets, each of the same width,
// the present one included. A bucket is dropped as a whole when it leaves.
type timeWindow struct {
	width   time.Duration
	end     time.Duration // of the newest bucket: the first moment that is not in it
	newest  int
	buckets [windowBuckets]windowSum
	total   windowSum
}

func newTimeWindow(span time.Duration) *timeWindow {
	// Rounded up: a window may hold a little more than was asked for, never less than
	// nine tenths of it.
	width := (span + windowBuckets - 1) / windowBuckets
	return &timeWindow{width: width, end: width}
}

func (w *timeWindow) add(now time.Duration, failed, slow bool) windowSum {
	w.advance(now)
	w.buckets[w.newest].add(failed, slow, 1)
	w.total.add(failed, slow, 1)
	return w.total
}

// advance drops the buckets that have left the window at now.
func (w *timeWindow) advance(now time.Duration) {
	if now < w.end {
		return
	}
	passed := int64((now-w.end)/w.width) + 1
	w.end += time.Duration(passed) * w.width
	for range min(passed, windowBuckets) {
		w.newest = (w.newest + 1) % windowBuckets
		left := w.buckets[w.newest]
		w.total.calls -= left.calls
		w.total.failed -= left.failed
		w.total.slow -= left.slow
		w.buckets[w.newest] = windowSum{}
	}
}

func (w *timeWindow) sum(now time.Duration) windowSum {
	if now < w.end {
		return w.total
	}
	ahead := *w
	ahead.advance(now)
	return ahead.total
}

// reset forgets the calls, but not where the buckets begin.
func (w *timeWindow) reset() { w.buckets, w.total = [windowBuckets]windowSum{}, windowSum{} }

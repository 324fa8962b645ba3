package resilience

import "time"

// A Record is what a breaker keeps of a call in flight: while slow calls count, its
// [Tally] makes one for each.
type Record struct {
	// Cookie is the breaker's own. A tally clears it when the call ends.
	Cookie any

	listed     bool
	begin      time.Duration
	overdue    bool
	prev, next *Record
}

// inFlight is a list of the calls in flight, the longest running first. The overdue ones
// are a prefix of it, so that finding them costs nothing until one becomes overdue.
// The record of a call that has ended is used again.
type inFlight struct {
	oldest, newest *Record
	firstYoung     *Record // the oldest that is not overdue yet
	overdue        int
	free           *Record // linked by next
}

func (l *inFlight) add(now time.Duration) *Record {
	r := l.free
	if r == nil {
		r = &Record{}
	} else {
		l.free = r.next
	}
	r.listed, r.begin, r.overdue = true, now, false
	// The clock was read before the lock was taken: a call may have overtaken this one.
	after := l.newest
	for after != nil && !after.overdue && after.begin > now {
		after = after.prev
	}
	l.insert(r, after)
	if r.next == l.firstYoung { // the young ones begin here, or further back
		l.firstYoung = r
	}
	return r
}

func (l *inFlight) insert(r, after *Record) {
	r.prev = after
	if after == nil {
		r.next, l.oldest = l.oldest, r
	} else {
		r.next, after.next = after.next, r
	}
	if r.next == nil {
		l.newest = r
	} else {
		r.next.prev = r
	}
}

func (l *inFlight) remove(r *Record) {
	if r.overdue {
		l.overdue--
	}
	if l.firstYoung == r {
		l.firstYoung = r.next
	}
	if r.prev == nil {
		l.oldest = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		l.newest = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.listed, r.next = false, l.free
	if r.Cookie != nil {
		r.Cookie = nil
	}
	l.free = r
}

// advance marks the calls that have run for slowAfter.
func (l *inFlight) advance(now, slowAfter time.Duration) {
	for r := l.firstYoung; r != nil && now-r.begin >= slowAfter; r = r.next {
		r.overdue = true
		l.overdue++
		l.firstYoung = r.next
	}
}

// overdueAt says how many calls advance would find overdue, without marking any.
func (l *inFlight) overdueAt(now, slowAfter time.Duration) int {
	n := l.overdue
	for r := l.firstYoung; r != nil && now-r.begin >= slowAfter; r = r.next {
		n++
	}
	return n
}

// restart unmarks all calls, for another threshold.
func (l *inFlight) restart() {
	for r := l.oldest; r != nil; r = r.next {
		r.overdue = false
	}
	l.firstYoung, l.overdue = l.oldest, 0
}

// reset forgets the calls. Their records are not used again, because those calls still
// hold them.
func (l *inFlight) reset() {
	for r := l.oldest; r != nil; r = r.next {
		r.listed = false
	}
	l.oldest, l.newest, l.firstYoung, l.overdue = nil, nil, nil, 0
}

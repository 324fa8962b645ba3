package resilience

import "time"

// A Running is the record of a call in flight, which a [Tally] keeps while slow calls
// count.
type Running struct {
	// Cookie is for whoever keeps the tally; it is cleared when the call ends.
	Cookie any

	seq        uint64
	begin      time.Duration
	overdue    bool
	prev, next *Running
}

// Seq tells this call from a later one in the same record.
func (r *Running) Seq() uint64 { return r.seq }

// inFlight is a list of the calls in flight, the longest running first. The overdue ones
// are a prefix of it, so that finding them costs nothing until one becomes overdue.
// Records are used again: a settled call returns its own.
type inFlight struct {
	oldest, newest *Running
	firstYoung     *Running // the oldest that is not overdue yet
	overdue        int
	lastSeq        uint64
	free           *Running // linked by next
}

func (l *inFlight) add(now time.Duration) *Running {
	r := l.free
	if r == nil {
		r = &Running{}
	} else {
		l.free = r.next
	}
	l.lastSeq++
	*r = Running{seq: l.lastSeq, begin: now}
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

func (l *inFlight) insert(r, after *Running) {
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

func (l *inFlight) remove(r *Running) {
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
	*r = Running{next: l.free}
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

// reset forgets the calls. Their records lose their numbers, by which those who still
// hold one find out.
func (l *inFlight) reset() {
	for l.oldest != nil {
		r := l.oldest
		l.oldest = r.next
		*r = Running{next: l.free}
		l.free = r
	}
	l.newest, l.firstYoung, l.overdue = nil, nil, 0
}

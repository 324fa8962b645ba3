package resilience

import (
	"context"
	"sync"
)

// An EventQueue hands events to an observer in order, once each, outside the locks of
// those who raise them. It is for those who implement a [Breaker]: Push while the lock
// that decided still fixes the order, Deliver after its release.
//
// There is one deliverer at a time. An event raised meanwhile, also by the observer
// itself, waits its turn: whoever is delivering delivers it too. The zero value is
// ready for use, and drops what it is given: use [NewEventQueue].
type EventQueue struct {
	observer Observer

	mu         sync.Mutex // protects what follows
	waiting    []queued
	delivering bool
}

// queued is an event and the context of the call that caused it.
type queued struct {
	ctx   context.Context
	event Event
}

// NewEventQueue returns a queue that delivers to o; a nil o wants nothing.
func NewEventQueue(o Observer) *EventQueue { return &EventQueue{observer: o} }

// Push adds an event. It never blocks and never calls the observer.
func (q *EventQueue) Push(ctx context.Context, e Event) {
	if q.observer == nil {
		return
	}
	q.mu.Lock()
	q.waiting = append(q.waiting, queued{ctx, e})
	q.mu.Unlock()
}

// Deliver calls the observer for all that waits, unless somebody is doing so already.
// It must be called without any lock that the observer may want.
func (q *EventQueue) Deliver() {
	if q.observer != nil { // apart, so that it costs next to nothing where nobody watches
		q.deliver()
	}
}

func (q *EventQueue) deliver() {
	if !q.begin() {
		return
	}
	done := false
	defer func() {
		if !done { // the observer ended this goroutine (runtime.Goexit): its duty remains
			q.end()
			q.deliver()
		}
	}()
	for {
		next, ok := q.next()
		if !ok {
			done = true
			return
		}
		notify(next.ctx, q.observer, next.event)
	}
}

func (q *EventQueue) begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.delivering || len(q.waiting) == 0 {
		return false
	}
	q.delivering = true
	return true
}

func (q *EventQueue) end() {
	q.mu.Lock()
	q.delivering = false
	q.mu.Unlock()
}

// next takes the first event, or ends the delivery in the same step, so that an event
// pushed in between finds either a deliverer or none.
func (q *EventQueue) next() (queued, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.delivering, q.waiting = false, nil
		return queued{}, false
	}
	first := q.waiting[0]
	q.waiting = q.waiting[1:]
	return first, true
}

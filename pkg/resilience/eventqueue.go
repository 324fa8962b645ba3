package resilience

import (
	"context"
	"math"
	"sync"
)

// An EventQueue hands a breaker's events to an observer in order, once each, outside the
// locks of those who raise them. It is for those who implement a [Breaker]: Push while the
// lock that decided still fixes the order, Deliver after its release.
//
// There is one deliverer at a time. An event raised meanwhile, also by the observer
// itself, waits its turn: whoever is delivering delivers it too. So that an observer which
// cannot keep up does not hold one unlucky call for ever, a call delivers no more than a
// few events; the rest is then left to a goroutine, which ends with the last of them.
//
// A rejection is told by its own call, while that still runs: see Reject.
//
// The zero value is ready for use, and drops what it is given: use [NewEventQueue].
type EventQueue struct {
	observer Observer

	mu         sync.Mutex // protects what follows
	waiting    []queued
	delivering bool
	changes    int  // events other than rejections, waiting or being told
	telling    bool // one of these is being told
}

const (
	mostDelivered = 16   // by one call
	mostWaiting   = 1024 // before a rejection no longer waits for the change behind it
)

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
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, queued{ctx, e})
	q.changes++
}

// Reject tells the observer that a call was turned away. It must be called by that call,
// after Deliver, without any lock that the observer may want. While the observer has yet
// to be told of a change, which may be the reason, the rejection waits its turn behind it;
// as a rule it does not, and is told at once: rejections come by the thousand, and what is
// watched in a call's context (its span) ends with the call.
func (q *EventQueue) Reject(ctx context.Context, name string, err *OpenError) {
	if q.observer == nil {
		return
	}
	e := Event{Kind: EventRejected, Name: name, Err: err}
	if q.behindChange(queued{ctx, e}) {
		q.deliver()
		return
	}
	notify(ctx, q.observer, e)
}

// behindChange queues a rejection if there is a change before it.
func (q *EventQueue) behindChange(r queued) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.changes == 0 || len(q.waiting) >= mostWaiting {
		return false
	}
	q.waiting = append(q.waiting, r)
	return true
}

// Deliver calls the observer for what waits, unless somebody is doing so already. It must
// be called without any lock that the observer may want.
func (q *EventQueue) Deliver() {
	if q.observer != nil { // apart, so that it costs next to nothing where nobody watches
		q.deliver()
	}
}

func (q *EventQueue) deliver() {
	if q.begin() && !q.tell(mostDelivered) {
		go q.tell(math.MaxInt)
	}
}

// tell delivers up to so many events, as the deliverer, and reports whether those were all.
// If not, whoever called it is the deliverer still.
func (q *EventQueue) tell(most int) (all bool) {
	returned := false
	defer func() {
		if !returned { // the observer ended this goroutine (runtime.Goexit): the duty remains
			go q.tell(math.MaxInt)
		}
	}()
	for range most {
		next, ok := q.next()
		if !ok {
			returned = true
			return true
		}
		notify(next.ctx, q.observer, next.event)
	}
	returned = true
	return false
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

// next takes the first event, or ends the delivery in the same step, so that an event
// pushed in between finds either a deliverer or none.
func (q *EventQueue) next() (queued, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.telling { // and it has been told by now
		q.changes--
		q.telling = false
	}
	if len(q.waiting) == 0 {
		q.delivering, q.waiting = false, nil
		return queued{}, false
	}
	first := q.waiting[0]
	q.telling = first.event.Kind != EventRejected
	q.waiting[0] = queued{} // lets go of its context
	q.waiting = q.waiting[1:]
	return first, true
}

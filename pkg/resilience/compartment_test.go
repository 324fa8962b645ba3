package resilience

import (
	"context"
	"errors"
	"testing"
)

// TestASlotHandedOverInTheLastMoment: a call whose patience ran out just then uses it, and
// one that nobody waits for passes it on.
func TestASlotHandedOverInTheLastMoment(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []struct {
		reason   BulkheadReason
		ended    context.Context
		admitted bool
	}{
		{BulkheadTimeout, nil, true},
		{BulkheadContext, gone, false},
	} {
		slots, err := NewCompartment(CompartmentConfig{MaxConcurrent: 1, MaxQueue: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := slots.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		first, second := &waiter{admitted: make(chan struct{})}, &waiter{admitted: make(chan struct{})}
		slots.queue = []*waiter{first, second}
		slots.leave()
		<-first.admitted

		err = slots.leaveQueue(first, c.reason, c.ended)
		if (err == nil) != c.admitted || c.ended != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", c.reason, err)
		}
		passedOn := false
		select {
		case <-second.admitted:
			passedOn = true
		default:
		}
		if s := slots.Stats(); passedOn == c.admitted || s.Running != 1 {
			t.Errorf("%s: passed on: %v, %d run", c.reason, passedOn, s.Running)
		}
	}
}

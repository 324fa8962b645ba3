package resilience_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// TestASlowObserverHoldsNoCall: each call delivers a few events at most, although more
// come all the time.
func TestASlowObserverHoldsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events, each = 100, time.Second
		var told []int
		q := resilience.NewEventQueue(resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			time.Sleep(each)
			told = append(told, e.Attempt)
		}))
		for i := range events {
			q.Push(t.Context(), resilience.Event{Kind: resilience.EventTransition, Attempt: i})
		}
		begin := time.Now()
		q.Deliver()
		if took := time.Since(begin); took != 16*each {
			t.Errorf("a call delivered for %v; want %v", took, 16*each)
		}
		begin = time.Now()
		q.Push(t.Context(), resilience.Event{Kind: resilience.EventTransition, Attempt: events})
		q.Deliver() // there is a deliverer
		if took := time.Since(begin); took != 0 {
			t.Errorf("the next call delivered for %v", took)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := upTo(events + 1); !slices.Equal(told, want) {
			t.Errorf("told %v; want all in order", told)
		}
	}) // which would not return if the deliverer were left behind
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// TestRejectionsWaitForAChangeOnly: behind one that has not been told they keep their
// place; otherwise each is told by its own call, at once, however slow the observer.
func TestRejectionsWaitForAChangeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			mu   sync.Mutex
			told []string
		)
		q := resilience.NewEventQueue(resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			told = append(told, e.Kind.String())
		}))
		rejected := &resilience.OpenError{}
		took := func(f func()) time.Duration {
			begin := time.Now()
			f()
			return time.Since(begin)
		}
		q.Push(t.Context(), resilience.Event{Kind: resilience.EventTransition})
		go q.Deliver()
		synctest.Wait() // it is being told
		for range 3 {
			if d := took(func() { q.Reject(t.Context(), "", rejected) }); d != 0 {
				t.Errorf("a rejection behind a change held its call for %v", d)
			}
		}
		time.Sleep(1500 * time.Millisecond) // the change has been told, and a rejection is being
		if d := took(func() { q.Reject(t.Context(), "", rejected) }); d != time.Second {
			t.Errorf("a rejection behind others took %v; want to be told at once, in 1s", d)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []string{"transition", "rejected", "rejected", "rejected", "rejected"}; !slices.Equal(told, want) {
			t.Errorf("told %v", told)
		}

		q.Push(t.Context(), resilience.Event{Kind: resilience.EventTransition})
		var wg sync.WaitGroup
		for range 2000 { // beyond a thousand they are told all the same, without waiting
			wg.Go(func() { q.Reject(t.Context(), "", rejected) })
		}
		wg.Wait()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(told) != 5+2001 {
			t.Errorf("told of %d events; want 2006", len(told))
		}
	})
}

// TestAnObserverThatExitsEndsOnlyItsOwnGoroutine: the events behind are still delivered.
func TestAnObserverThatExitsEndsOnlyItsOwnGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []int
		q := resilience.NewEventQueue(resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			told = append(told, e.Attempt)
			runtime.Goexit()
		}))
		for i := range 5 {
			q.Push(t.Context(), resilience.Event{Kind: resilience.EventTransition, Attempt: i})
		}
		var wg sync.WaitGroup
		wg.Go(q.Deliver)
		wg.Wait()
		synctest.Wait()
		if !slices.Equal(told, upTo(5)) {
			t.Errorf("told %v; want 0 to 4", told)
		}
	})
}

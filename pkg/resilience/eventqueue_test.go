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

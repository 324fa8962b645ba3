package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"reliability/pkg/resilience"
)

// TestRetryBudget: a database where each other transaction meets another one is asked for
// no more retries than its budget has, over all calls.
func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		met := &stateError{"40001", "could not serialize access due to concurrent update"}
		retries, done := 0, 0
		orders := ordersOf(t, resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventRetry {
				retries++
			}
		}), slices.Repeat([]error{met, nil, nil}, 100)...)
		for i := range 100 {
			if orders.insertOrder(t.Context(), fmt.Sprintf("order-%d", i)) == nil {
				done++
			}
			if most := 10 + 0.1*float64(done); float64(retries) > most {
				t.Fatalf("%d retries after %d successes, want at most %v", retries, done, most)
			}
		}
		if retries < 10 || done < 50 {
			t.Errorf("%d retries, %d successes: the budget was not spent", retries, done)
		}
	})
}

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const want = `It meets other transactions, twice: the whole transaction is tried again.
  attempt 1 failed, another follows: could not serialize access due to concurrent update (SQLSTATE 40001)
  attempt 2 failed, another follows: could not serialize access due to concurrent update (SQLSTATE 40001)
order-1: committed
The same order again violates a constraint: no attempt can mend that.
order-1: duplicate key value violates unique constraint (SQLSTATE 23505)
The connection is lost in the middle: nothing has happened, so it is tried again.
  attempt 1 failed, another follows: the connection is lost
order-2: committed
The connection is lost during COMMIT: to try again might do it twice.
order-3: it may have committed: the connection is lost
Who asks again finds out.
order-3: duplicate key value violates unique constraint (SQLSTATE 23505)
The database hangs: 500ms for each attempt, and the third one opens the breaker.
  attempt 1 failed, another follows: no answer within 500ms
  attempt 2 failed, another follows: no answer within 500ms
  breaker orders: closed → open, 3 of 3 failures in a row
  attempt 3 failed, another follows: no answer within 500ms
order-4: gave up at attempt 4 (not retryable): breaker orders is open
An open breaker answers at once. Then the program waits as long as it says.
order-4: breaker orders is open
It probes, and closes.
  breaker orders: open → half-open, open for 2s, probing
  breaker orders: half-open → closed, 1 of 1 probes succeeded
order-4: committed
`

// TestRun has what became of each transaction, and why. A goroutine that the program left
// behind would keep the bubble from ending.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var out bytes.Buffer
		if err := run(t.Context(), &out); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(out.String(), "\n")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// Three attempts that hang for half a second each, and an open breaker.
		if took := time.Since(began); took < 3500*time.Millisecond || took > 4*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestInterrupted: the program ends at once, in the middle of a statement and while it
// waits for the breaker.
func TestInterrupted(t *testing.T) {
	for _, after := range []time.Duration{400 * time.Millisecond, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), after)
			defer stop()
			began := time.Now()
			if err := run(ctx, &bytes.Buffer{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
			if took := time.Since(began); took != after {
				t.Errorf("took %v, was told to end after %v", took, after)
			}
		})
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/memnet"
)

const want = `A GET is sent again, no sooner than Retry-After says.
  attempt 1 failed, another follows: 503 Service Unavailable
GET /stock: 200 OK, requests sent: 2
A POST is not: nobody knows whether the first one was worked on.
POST /charges: 503 Service Unavailable, requests sent: 1
With a key the server can tell that it is the same one.
  attempt 1 failed, another follows: 503 Service Unavailable
POST /charges: 201 Created, requests sent: 2
A dependency that hangs is given 250ms for each attempt.
  attempt 1 failed, another follows: no answer within 250ms
  attempt 2 failed, another follows: no answer within 250ms
GET /report: no answer: gave up at attempt 3 (attempts used up): no answer within 250ms
The fifth failure in a row opens the breaker, which ends the retries.
  attempt 1 failed, another follows: no answer within 250ms
  breaker shop: closed → open, 5 of 5 failures in a row
  attempt 2 failed, another follows: no answer within 250ms
GET /report: no answer: gave up at attempt 3 (not retryable): breaker shop is open
An open breaker answers at once. Then the program waits as long as it says.
GET /report: not sent: breaker shop is open
Its probes are ordinary requests; two that succeed close it.
  breaker shop: open → half-open, open for 2s, probing
GET /report: 200 OK, requests sent: 1
  breaker shop: half-open → closed, 2 of 2 probes succeeded
GET /report: 200 OK, requests sent: 1
`

// program runs the program over a network in memory, and returns what it prints.
func program(ctx context.Context, t *testing.T) (string, error) {
	t.Helper()
	var network memnet.Network
	listener, err := network.Listen("127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = run(ctx, &out, listener, &http.Transport{DialContext: network.DialContext})
	return out.String(), err
}

// TestRun has what each request came to, and why. A goroutine that the program left
// behind would keep the bubble from ending.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := program(t.Context(), t)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// Two waits of a second for Retry-After, five attempts of a quarter, one open breaker.
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestInterrupted: the program ends at once, wherever it is.
func TestInterrupted(t *testing.T) {
	for _, after := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 4500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), after)
			defer stop()
			began := time.Now()
			if _, err := program(ctx, t); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
			if took := time.Since(began); took != after {
				t.Errorf("took %v, was told to end after %v", took, after)
			}
		})
	}
}

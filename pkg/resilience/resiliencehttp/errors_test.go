package resiliencehttp_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

func TestErrorKeepsEveryCause(t *testing.T) {
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 1})
	if err != nil {
		t.Fatal(err)
	}
	tr := newTransport(t, rh.Config{
		Base:    giving(status(503)),
		Handler: chain(t, 3, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})),
	})
	_, _, err = roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
	open, isOpen := errors.AsType[*resilience.OpenError](err)
	status, isStatus := errors.AsType[*rh.StatusError](err)
	retry, isRetry := errors.AsType[*resilience.RetryError](err)
	if !isOpen || !isStatus || !isRetry || open.State != resilience.Open || status.StatusCode != 503 || retry.Attempts != 2 {
		t.Errorf("something is lost in %v", err)
	}
	if resilience.Rejected(err) {
		t.Error("it passes for a call that never ran")
	}
	// The next call is turned away before its first request: the breaker's own error.
	body := newBody("x")
	_, _, err = roundTrip(tr, newRequest(t, t.Context(), "GET", body))
	if _, ok := err.(*resilience.OpenError); !ok || !resilience.Rejected(err) || body.Closes() != 1 {
		t.Errorf("%T %v; body closed %d times", err, err, body.Closes())
	}
}

func TestErrorIsATimeoutToHTTPClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
		for _, c := range []struct {
			name string
			base *answers
			want bool
		}{
			{"timeouts", giving(hang), true},
			{"a net.Error", giving(fails(timeoutError{})), true},
			{"others", giving(fails(errBoom)), false},
		} {
			client := &http.Client{Transport: newTransport(t, rh.Config{Base: c.base, Handler: chain(t, 2, timeout(time.Second))})}
			_, err := client.Get("http://dependency/")
			var timedOut interface{ Timeout() bool }
			if !errors.As(err, &timedOut) || timedOut.Timeout() != c.want {
				t.Errorf("%s: %v: Timeout is not %v", c.name, err, c.want)
			}
			// The deadline was the attempt's, nobody cancelled anything.
			if errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v is a cancellation", c.name, err)
			}
			var e interface{ Temporary() bool }
			if call, ok := errors.AsType[*rh.Error](err); !ok || !errors.As(error(call), &e) || e.Temporary() {
				t.Errorf("%s: %v is temporary", c.name, err)
			}
		}
	})
}

type timeoutError struct{}

// A policy of the user's own may return a rejection bare, after attempts that ran.
func TestErrorAfterAttemptsIsNoRejection(t *testing.T) {
	open := &resilience.OpenError{Breaker: "b", State: resilience.HalfOpen}
	tr := newTransport(t, rh.Config{Base: giving(fails(errBoom)), Handler: func(ctx context.Context, op resilience.Op) error {
		_ = op(ctx)
		return open
	}})
	_, _, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
	if resilience.Rejected(err) || !errors.Is(err, open) || !errors.Is(err, errBoom) {
		t.Errorf("got %v", err)
	}
}

package resiliencehttp_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

func custom(h resilience.Handler) resilience.Policy {
	return resilience.Custom("custom", func(next resilience.Handler) resilience.Handler {
		return func(ctx context.Context, op resilience.Op) error {
			return h(ctx, func(ctx context.Context) error { return next(ctx, op) })
		}
	})
}

// Policies of the user's own may run attempts at one time, or leave one behind.
func TestHedgedAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []*trackedBody
		var mu sync.Mutex
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			n := len(bodies) + 1
			b := newBody("answer")
			bodies = append(bodies, b)
			mu.Unlock()
			time.Sleep(time.Duration(n) * time.Second)
			code := 200
			if n == 2 {
				code = 503 // later than the first one's success
			}
			res := respond(req, code, "")
			res.Body = b
			return res, nil
		})
		hedge := func(ctx context.Context, op resilience.Op) error {
			results := make(chan error, 3)
			for range 3 {
				go func() { results <- op(ctx) }()
			}
			first := <-results
			time.Sleep(1500 * time.Millisecond) // the second ends, the third outlives the call
			return first
		}
		for _, stream := range []bool{false, true} {
			bodies = nil
			tr := newTransport(t, rh.Config{Base: base, Handler: hedge, Stream: func(*http.Response) bool { return stream }})
			res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
			if err != nil || res.StatusCode != 200 || body != "answer" || rh.Attempts(res) != 3 {
				t.Errorf("%v %q %v", res, body, err)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			for i, b := range bodies {
				if b.Closes() != 1 {
					t.Errorf("stream %v: answer %d closed %d times", stream, i+1, b.Closes())
				}
			}
		}
		late := make(chan error, 1)
		tr := newTransport(t, rh.Config{Base: giving(status(200)), Handler: func(ctx context.Context, op resilience.Op) error {
			go func() { time.Sleep(time.Second); late <- op(ctx) }()
			return errBoom
		}})
		if _, err := tr.RoundTrip(newRequest(t, t.Context(), "GET", nil)); err != errBoom {
			t.Error(err)
		}
		if err := <-late; err == nil || !strings.Contains(err.Error(), "outlived") {
			t.Errorf("an attempt after the call: %v", err)
		}
	})
}

func TestPolicyThatRepeatsASuccess(t *testing.T) {
	first, second := newBody("first"), newBody("second")
	bodies := []*trackedBody{first, second}
	tr := newTransport(t, rh.Config{
		Stream: func(*http.Response) bool { return true },
		Base: giving(func(req *http.Request) (*http.Response, error) {
			res := respond(req, 200, "")
			res.Body = bodies[0]
			bodies = bodies[1:]
			return res, nil
		}),
		Handler: func(ctx context.Context, op resilience.Op) error { _ = op(ctx); return op(ctx) },
	})
	if _, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil)); body != "second" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if first.Closes() != 1 || second.Closes() != 1 {
		t.Errorf("closed %d and %d times", first.Closes(), second.Closes())
	}
}

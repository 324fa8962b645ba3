package resiliencehttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

func TestIdempotency(t *testing.T) {
	header := func(name string, values ...string) http.Header { return http.Header{name: values} }
	for _, c := range []struct {
		method string
		header http.Header
		marked bool
		want   int // attempts
	}{
		{method: "", want: 2}, {method: "GET", want: 2}, {method: "HEAD", want: 2}, {method: "OPTIONS", want: 2},
		{method: "TRACE", want: 2}, {method: "PUT", want: 2}, {method: "DELETE", want: 2},
		{method: "POST", want: 1}, {method: "PATCH", want: 1}, {method: "CONNECT", want: 1}, {method: "PROPFIND", want: 1},
		{method: "get", want: 1}, // methods are case-sensitive
		{method: "POST", header: header("Idempotency-Key", "8e03978e"), want: 2},
		{method: "POST", header: header("X-Idempotency-Key", "8e03978e"), want: 2},
		{method: "PATCH", header: header("Idempotency-Key"), want: 2}, // a mark that is not sent
		{method: "POST", header: header("Idempotency", "8e03978e"), want: 1},
		{method: "POST", marked: true, want: 2},
	} {
		for _, first := range []func(*http.Request) (*http.Response, error){fails(errBoom), status(503), status(429)} {
			ctx := t.Context()
			if c.marked {
				ctx = rh.WithIdempotent(ctx)
			}
			base := giving(first, status(200))
			req := newRequest(t, ctx, "GET", nil)
			req.Method, req.Header = c.method, c.header
			if req.Header == nil {
				req.Header = http.Header{}
			}
			res, body, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 2)}), req)
			if base.count() != c.want {
				t.Errorf("%s %v: %d attempts; want %d", c.method, c.header, base.count(), c.want)
			}
			if c.want == 2 {
				continue
			}
			if err == nil { // the failed answer is the answer
				if res.StatusCode < 400 || body == "" || rh.Attempts(res) != 1 {
					t.Errorf("%s: %v %q", c.method, res, body)
				}
			} else if e, ok := errors.AsType[*rh.UnrepeatableError](err); !ok || !strings.HasPrefix(e.Reason, c.method+" is not idempotent") || e.Rejected() {
				t.Errorf("%s: %v", c.method, err)
			}
		}
	}
}

func TestNeverSent(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errRefused}
	write := &net.OpError{Op: "write", Net: "tcp", Err: errRefused}
	dns := &net.DNSError{Err: "no such host", Name: "dependency"}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{dial, true},
		{dns, true},
		{&net.OpError{Op: "dial", Net: "tcp", Err: dns}, true},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial}, true},
		{&url.Error{Op: "Post", URL: "http://x", Err: fmt.Errorf("wrapped: %w", dial)}, true},

		{write, false},
		{&net.OpError{Op: "read", Net: "tcp", Err: errRefused}, false},
		{&net.OpError{Op: "write", Net: "tcp", Err: dial}, false},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errRefused}, false},
		{errors.Join(dial, write), false},
		{errors.Join(write, dial), false},
		{io.EOF, false},
		{context.DeadlineExceeded, false},
	} {
		base := giving(fails(c.err), status(200))
		_, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 2)}), newRequest(t, t.Context(), "POST", strings.NewReader("x")))
		if sentAgain := base.count() == 2; sentAgain != c.want {
			t.Errorf("after %v: sent again %v; want %v", c.err, sentAgain, c.want)
		}
		if !c.want && !errors.Is(err, c.err) {
			t.Errorf("%v is lost in %v", c.err, err)
		}
	}
}

// The cause of a context can be anything, the failed dial of another call for one. It says
// nothing of this request.
func TestCauseOfAContextIsNoProof(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errRefused}
	base := giving(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}, status(200))
	tr := newTransport(t, rh.Config{Base: base, Handler: chain(t, 2, custom(func(ctx context.Context, op resilience.Op) error {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(dial)
		return op(ctx)
	}))})
	_, _, err := roundTrip(tr, newRequest(t, t.Context(), "POST", nil))
	if !errors.Is(err, dial) || base.count() != 1 {
		t.Errorf("%v after %d attempts", err, base.count())
	}
}

// RetryIf has the last word in the chain, but the transport does not send.
func TestGuardHoldsAgainstTheChain(t *testing.T) {
	stubborn := func() resilience.Policy {
		return resilience.Retry(resilience.RetryConfig{MaxAttempts: 3, Base: 1, Max: 1,
			RetryIf: func(context.Context, error) bool { return true }})
	}
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Failures: 2})
	if err != nil {
		t.Fatal(err)
	}
	guarded := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})
	base := giving(fails(errBoom))
	_, _, err = roundTrip(newTransport(t, rh.Config{Base: base, Handler: build(t, stubborn(), guarded)}), newRequest(t, t.Context(), "POST", nil))
	if e, ok := errors.AsType[*rh.UnrepeatableError](err); !ok || !e.Rejected() || !errors.Is(err, errBoom) || base.count() != 1 {
		t.Errorf("%v after %d attempts", err, base.count())
	}
	// What was not sent says nothing about the dependency.
	if s := breaker.Stats(); s.State != resilience.Closed || s.Failures != 1 {
		t.Errorf("the breaker counts %+v; want one failure", s)
	}
	base = giving(status(503))
	res, body, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: build(t, stubborn())}), newRequest(t, t.Context(), "POST", nil))
	if err != nil || res.StatusCode != 503 || body != "Service Unavailable" || rh.Attempts(res) != 1 || base.count() != 1 {
		t.Errorf("%v, %q, %v; want the one answer", res, body, err)
	}
	// Nor does a policy that asks again after a success get a second charge.
	base = giving(status(200))
	var second error
	tr := newTransport(t, rh.Config{Base: base, Handler: func(ctx context.Context, op resilience.Op) error {
		_ = op(ctx)
		second = op(ctx)
		return nil
	}})
	if _, _, err := roundTrip(tr, newRequest(t, t.Context(), "POST", nil)); err != nil || base.count() != 1 ||
		!resilience.Rejected(second) || !strings.Contains(second.Error(), "POST is not idempotent") {
		t.Errorf("%v; second %v; %d attempts", err, second, base.count())
	}
}

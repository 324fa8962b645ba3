package resiliencehttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

// answers is a RoundTripper that gives one after the other, and remembers the requests.
type answers struct {
	mu       sync.Mutex
	give     []func(*http.Request) (*http.Response, error)
	requests []*http.Request
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	next := a.give[min(len(a.requests), len(a.give)-1)]
	a.requests = append(a.requests, req)
	a.mu.Unlock()
	return roundTripper(next).RoundTrip(req)
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.requests)
}

func status(code int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return respond(req, code, http.StatusText(code)), nil
	}
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func giving(give ...func(*http.Request) (*http.Response, error)) *answers {
	return &answers{give: give}
}

func TestAnswerOrError(t *testing.T) {
	openAfter := func(failures int) resilience.Policy {
		b, err := resilience.NewBreaker(resilience.BreakerConfig{Name: "dependency", Failures: failures})
		if err != nil {
			t.Fatal(err)
		}
		return resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})
	}
	for _, c := range []struct {
		name     string
		base     *answers
		handler  resilience.Handler
		code     int // 0: an error
		attempts int
		is       []error
		text     string
	}{
		{name: "first answer", base: giving(status(200)), handler: chain(t, 3), code: 200, attempts: 1},
		{name: "another answer", base: giving(status(503), fails(errBoom), status(404)), handler: chain(t, 3), code: 404, attempts: 3},
		{name: "failed to the end", base: giving(status(500), status(502), status(503)), handler: chain(t, 3), code: 503, attempts: 3},
		{name: "failed, no retry", base: giving(status(503)), handler: build(t), code: 503, attempts: 1},
		{name: "only attempt fails", base: giving(fails(errBoom)), handler: chain(t, 1), attempts: 1, is: []error{errBoom}, text: "boom"},
		{name: "answer, then an error", base: giving(status(503), fails(errBoom)), handler: chain(t, 2), attempts: 2, is: []error{errBoom},
			text: "resilience: gave up after 2 attempts (attempts used up): boom"},
		{name: "breaker opens under way", base: giving(status(503)), handler: chain(t, 3, openAfter(1)), attempts: 1,
			text: "; the last request before that: resiliencehttp: answered 503 Service Unavailable"},
		{name: "deadline too near", base: giving(status(503)), code: 503, attempts: 1, handler: build(t,
			resilience.Retry(resilience.RetryConfig{Base: 2 * time.Hour, Max: 2 * time.Hour, Jitter: resilience.JitterNone}))},
		{name: "success turned down", base: giving(status(200)), attempts: 1, is: []error{errBoom}, text: "boom",
			handler: build(t, custom(func(ctx context.Context, op resilience.Op) error { _ = op(ctx); return errBoom }))},
		{name: "failure forgiven", base: giving(status(503)), attempts: 1, code: 503,
			handler: build(t, custom(func(ctx context.Context, op resilience.Op) error { _ = op(ctx); return nil }))},
		{name: "error forgiven", base: giving(fails(errBoom)), attempts: 1, is: []error{errBoom}, text: "no attempt brought an answer; the last",
			handler: build(t, custom(func(ctx context.Context, op resilience.Op) error { _ = op(ctx); return nil }))},
		{name: "op never called", base: giving(fails(errBoom)), attempts: 0, text: "no attempt brought an answer",
			handler: build(t, custom(func(context.Context, resilience.Op) error { return nil }))},
		{name: "neither response nor error", base: giving(fails(nil)), attempts: 1, handler: chain(t, 1), text: "neither a response nor an error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			req := newRequest(t, ctx, "GET", nil)
			res, body, err := roundTrip(newTransport(t, rh.Config{Base: c.base, Handler: c.handler}), req)
			if got := c.base.count(); got != c.attempts {
				t.Errorf("%d attempts; want %d", got, c.attempts)
			}
			if c.code != 0 {
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != c.code || body != http.StatusText(c.code) || rh.Attempts(res) != c.attempts {
					t.Errorf("%d %q after %d attempts", res.StatusCode, body, rh.Attempts(res))
				}
				if res.Request.URL != req.URL || res.Request.Context().Err() != nil {
					t.Error("the answer's request is not the caller's")
				}
				return
			}
			if err == nil || res != nil {
				t.Fatalf("got %v, %v; want an error", res, err)
			}
			for _, is := range c.is {
				if !errors.Is(err, is) {
					t.Errorf("%v is not %v", err, is)
				}
			}
			if whole := strings.HasPrefix(c.text, "resilience: "); whole && err.Error() != c.text || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v; want %s", err, c.text)
			}
			if e, ok := errors.AsType[*rh.Error](err); ok && e.Attempts != c.attempts {
				t.Errorf("Attempts %d; want %d", e.Attempts, c.attempts)
			}
		})
	}
}

func (timeoutError) Error() string   { return "too slow" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// A caller who has gone gets an error, not the 503 from before.
func TestCallerGoneWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errLeft := errors.New("left")
		base := giving(status(503))
		tr := newTransport(t, rh.Config{Base: base, Handler: build(t,
			resilience.Retry(resilience.RetryConfig{Base: time.Minute, Max: time.Minute, Jitter: resilience.JitterNone}))})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errLeft) })
		begin := time.Now()
		res, err := tr.RoundTrip(newRequest(t, ctx, "GET", nil))
		if res != nil || !errors.Is(err, errLeft) || !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
			t.Errorf("%v, %v after %v", res, err, time.Since(begin))
		}
		if _, ok := errors.AsType[*rh.StatusError](err); !ok {
			t.Errorf("the 503 is lost in %v", err)
		}
	})
}

// An overall timeout of the chain is not the caller: the last answer is the best there is.
func TestOverallTimeoutWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, rh.Config{Base: giving(status(503)), Handler: build(t, timeout(time.Second),
			resilience.Retry(resilience.RetryConfig{Base: 2 * time.Second, Max: 2 * time.Second, Jitter: resilience.JitterNone}))})
		res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
		if err != nil || res.StatusCode != 503 || body != "Service Unavailable" {
			t.Errorf("%v, %q, %v", res, body, err)
		}
	})
}

func TestClassifyHook(t *testing.T) {
	errMaintenance := errors.New("maintenance")
	base := giving(status(200), status(200), status(503))
	base.give[0] = func(req *http.Request) (*http.Response, error) { return respond(req, 200, `{"maintenance":true}`), nil }
	var seen []error
	tr := newTransport(t, rh.Config{
		Base: base,
		Handler: build(t, resilience.Retry(resilience.RetryConfig{MaxAttempts: 2, Base: 1, Max: 1, Observer: resilience.ObserverFunc(
			func(_ context.Context, e resilience.Event) {
				if e.Kind == resilience.EventAttempt {
					seen = append(seen, e.Err)
				}
			})})),
		Classify: func(res *http.Response) error {
			// The body is at hand, and reading it takes nothing from the caller.
			if body, err := io.ReadAll(res.Body); err != nil || strings.Contains(string(body), "maintenance") {
				return errMaintenance
			}
			return nil // also to 503
		},
	})
	res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
	if err != nil || body != "OK" || rh.Attempts(res) != 2 || len(seen) != 2 || !errors.Is(seen[0], errMaintenance) || seen[1] != nil {
		t.Errorf("%q, %v, attempts %v", body, err, seen)
	}
	if res, _, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil)); err != nil || res.StatusCode != 503 || rh.Attempts(res) != 1 {
		t.Errorf("%v, %v; want the 503 at once", res, err)
	}
	// An answer that fails by an error of the hook's own is still returned as the answer.
	base.requests, base.give = nil, base.give[:1]
	if _, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil)); err != nil || body != `{"maintenance":true}` {
		t.Errorf("%q, %v; want the last answer", body, err)
	}
}

func TestRequestIsNotTouched(t *testing.T) {
	req := newRequest(t, t.Context(), "PUT", strings.NewReader("body"))
	req.Header["X-Mine"] = []string{"1"}
	req.Trailer = http.Header{"X-Sum": nil}
	before := *req
	base := giving(func(sent *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, sent.Body); err != nil {
			return nil, err
		}
		sent.Header.Set("X-Mine", "changed")
		sent.URL.Host = "changed"
		sent.Host = "changed"
		req.Trailer.Set("X-Sum", "42") // as callers do at the end of the body
		if got := sent.Trailer.Get("X-Sum"); got != "42" {
			t.Errorf("a trailer set under way arrives as %q", got)
		}
		return respond(sent, 503, ""), nil
	})
	body := req.Body
	res, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 2)}), req)
	if err != nil || base.count() != 2 {
		t.Fatal(res, err)
	}
	if req.Header.Get("X-Mine") != "1" || req.URL.Host != "dependency" || req.Host != before.Host || req.Body != body || req.Context() != before.Context() {
		t.Errorf("the caller's request was changed: %+v", req)
	}
	if base.requests[0] == req || base.requests[0] == base.requests[1] {
		t.Error("attempts share a request")
	}
}

type valueKey struct{}

func TestContextOfAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), valueKey{}, "value"), time.Minute)
		defer cancel()
		var numbers []int
		base := giving(func(req *http.Request) (*http.Response, error) {
			numbers = append(numbers, resilience.AttemptNumber(req.Context()))
			if req.Context().Value(valueKey{}) != "value" {
				t.Error("the caller's value is not visible")
			}
			want, _ := ctx.Deadline()
			if got, ok := req.Context().Deadline(); !ok || got != want {
				t.Errorf("deadline %v; want the caller's, %v", got, want)
			}
			return respond(req, 503, "x"), nil
		})
		if _, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 3)}), newRequest(t, ctx, "GET", nil)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(numbers, []int{1, 2, 3}) {
			t.Errorf("attempt numbers %v", numbers)
		}
		for i, req := range base.requests { // whose answers have been read
			if req.Context().Err() != context.Canceled {
				t.Errorf("the context of attempt %d has not ended", i+1)
			}
		}
	})
}

// A panic passes through, and leaves nothing open.
func TestPanic(t *testing.T) {
	closed := &trackedBody{r: strings.NewReader("kept")}
	for name, cfg := range map[string]rh.Config{
		"in Base": {Handler: chain(t, 2), Base: roundTripper(func(*http.Request) (*http.Response, error) { panic(errBoom) })},
		"in Classify": {Handler: chain(t, 2), Classify: func(*http.Response) error { panic(errBoom) },
			Stream: func(*http.Response) bool { return true },
			Base: giving(func(req *http.Request) (*http.Response, error) {
				res := respond(req, 200, "")
				res.Body = closed
				return res, nil
			})},
		"in the chain": {Base: giving(status(200)), Handler: func(context.Context, resilience.Op) error { panic(errBoom) }},
		"in the chain, after an answer": {Base: giving(status(200)),
			Handler: func(ctx context.Context, op resilience.Op) error { _ = op(ctx); panic(errBoom) }},
	} {
		body := newBody("x")
		func() {
			defer func() {
				if got := recover(); got != errBoom {
					t.Errorf("%s: recovered %v", name, got)
				}
			}()
			_, _ = newTransport(t, cfg).RoundTrip(newRequest(t, t.Context(), "POST", body))
		}()
		if body.Closes() != 1 {
			t.Errorf("%s: request body closed %d times", name, body.Closes())
		}
	}
	if closed.Closes() != 1 {
		t.Errorf("answer closed %d times", closed.Closes())
	}
}

// What the chain does with a streaming answer, it is closed once: by whoever has it last.
func TestEveryAnswerIsClosed(t *testing.T) {
	for _, c := range []struct {
		name string
		h    resilience.Handler
		want int // status; 0: an error or a panic
	}{
		{"success turned down", func(ctx context.Context, op resilience.Op) error { _ = op(ctx); return errBoom }, 0},
		{"panic after an answer", func(ctx context.Context, op resilience.Op) error { _ = op(ctx); panic(errBoom) }, 0},
		{"failure after a success", func(ctx context.Context, op resilience.Op) error { _ = op(ctx); _ = op(ctx); return nil }, 200},
		{"error about another attempt", func(ctx context.Context, op resilience.Op) error {
			_ = op(ctx)
			err := op(ctx) // 503
			_ = op(ctx)    // 503 again
			return err
		}, 0},
	} {
		var bodies []*trackedBody
		tr := newTransport(t, rh.Config{
			Handler: c.h,
			Stream:  func(*http.Response) bool { return true },
			Base: roundTripper(func(req *http.Request) (*http.Response, error) {
				code := 200
				if len(bodies) > 0 {
					code = 503
				}
				bodies = append(bodies, newBody("x"))
				res := respond(req, code, "")
				res.Body = bodies[len(bodies)-1]
				return res, nil
			}),
		})
		func() {
			defer func() { _ = recover() }()
			res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
			if c.want == 0 && err == nil || c.want != 0 && (err != nil || res.StatusCode != c.want || body != "x") {
				t.Errorf("%s: %v, %q, %v", c.name, res, body, err)
			}
		}()
		for i, b := range bodies {
			if b.Closes() != 1 {
				t.Errorf("%s: answer %d closed %d times", c.name, i+1, b.Closes())
			}
		}
	}
}

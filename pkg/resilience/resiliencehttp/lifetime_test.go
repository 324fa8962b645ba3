package resiliencehttp_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	rh "reliability/pkg/resilience/resiliencehttp"
)

// captured notes the context under which the last request was sent.
type captured struct {
	http.RoundTripper
	mu  sync.Mutex
	ctx context.Context
}

func (c *captured) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.ctx = req.Context()
	c.mu.Unlock()
	return c.RoundTripper.RoundTrip(req)
}

func (c *captured) context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ctx
}

// counting is a context that knows how many functions wait for its end.
type counting struct {
	context.Context
	mu      sync.Mutex
	waiting int
}

func (c *counting) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting++
	stopContext := context.AfterFunc(c.Context, f)
	once := sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting--
	})
	return func() bool { once(); return stopContext() }
}

// Value hides the context inside, which package context would find and use directly.
func (c *counting) Value(any) any { return nil }

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting
}

// A context that lives long must not collect what requests under it leave behind.
func TestContextsAreReleased(t *testing.T) {
	for _, c := range []struct {
		name   string
		base   func(*http.Request) (*http.Response, error)
		stream bool
	}{
		{"at hand", status(200), false},
		{"failed", fails(errBoom), false},
		{"streams", status(200), true},
	} {
		parent, cancel := context.WithCancel(t.Context())
		ctx := &counting{Context: parent}
		tr := newTransport(t, rh.Config{Base: giving(c.base), Handler: build(t), Stream: func(*http.Response) bool { return c.stream }})
		res, err := tr.RoundTrip(newRequest(t, ctx, "GET", nil))
		want := 0
		if c.stream {
			want = 1 // the caller's, no longer the attempt's
		}
		if n := ctx.count(); n != want {
			t.Errorf("%s: %d wait for the end of the caller's context; want %d", c.name, n, want)
		}
		if err == nil {
			_ = res.Body.Close()
		}
		if n := ctx.count(); n != 0 {
			t.Errorf("%s: %d left", c.name, n)
		}
		cancel()
	}
}

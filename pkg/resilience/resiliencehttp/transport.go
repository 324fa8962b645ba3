package resiliencehttp

import (
	"context"
	"fmt"
	"net/http"

	"reliability/pkg/resilience"
)

// A Transport is an http.RoundTripper that makes each request through a chain of package
// resilience. Make one with [NewTransport]; it is safe for concurrent use.
type Transport struct{ cfg Config }

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a transport for an http.Client.
func NewTransport(cfg Config) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("resiliencehttp: new transport: %w", err)
	}
	return &Transport{cfg: cfg.withDefaults()}, nil
}

// RoundTrip makes the request through the chain, in as many attempts as that wants and
// the request allows.
//
// An answer is returned as an answer, with a nil error, also when it counts as a failure
// and the chain gave up on it; [Attempts] tells how many requests it took. The error is
// for calls without an answer: the chain turned the last attempt away, it failed in
// another way, or the caller's context ended. A first attempt's own error is returned as
// it is, everything else is an [*Error].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := &call{cfg: &t.cfg, req: req, body: requestBody{req: req}}
	c.ctx, c.release = callerContext(req)
	defer c.body.close()
	finished := false
	defer func() {
		if !finished { // there is no chain, or a panic is passing through and nobody will want the answer
			c.abandon()
			c.release()
		}
	}()
	handler, err := t.handler(c.ctx, req)
	if err != nil {
		return nil, err
	}
	err = handler(c.ctx, c.attempt)
	finished = true
	return c.finish(err)
}

func (t *Transport) handler(ctx context.Context, req *http.Request) (resilience.Handler, error) {
	if t.cfg.PerHost == nil {
		return t.cfg.Handler, nil
	}
	if req.URL == nil {
		return nil, errNoURL
	}
	return t.cfg.PerHost.Handler(ctx, req.URL)
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls. It passes it on.
func (t *Transport) CloseIdleConnections() {
	for _, rt := range []http.RoundTripper{t.cfg.Base, t.cfg.Fresh} {
		if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

type attemptsKey struct{}

// Attempts returns how many requests a [Transport] sent for the answer, or 0 if it did
// not come from one. The count travels in the context of res.Request.
func Attempts(res *http.Response) int {
	if res == nil || res.Request == nil {
		return 0
	}
	n, _ := res.Request.Context().Value(attemptsKey{}).(int)
	return n
}

// withAttempts makes the answer's request: the caller's, not the clone that was sent.
func withAttempts(req *http.Request, attempts int) *http.Request {
	return req.WithContext(context.WithValue(req.Context(), attemptsKey{}, attempts))
}

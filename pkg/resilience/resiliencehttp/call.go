package resiliencehttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"reliability/pkg/resilience"
)

// A call is one RoundTrip: what its attempts share.
type call struct {
	cfg *Config
	req *http.Request // the caller's, never changed
	ctx context.Context
	// release ends ctx. It is due when the call is over, or with the end of an answer that
	// streams.
	release context.CancelFunc
	body    requestBody

	// mu protects what follows. Policies make one attempt after the other, as a rule; but
	// one of the user's own might hedge, or return before its attempt.
	mu       sync.Mutex
	attempts int      // requests handed to a RoundTripper
	sent     int      // of these, all that may have reached the server
	over     bool     // RoundTrip has returned
	kept     *answer  // the last one
	last     *failure // how the last attempt ended; nil: well, or there was none
}

var errLate = errors.New("resiliencehttp: an attempt outlived its call")

// A failure is the error of one attempt, as the chain sees it. It reads as that error; as
// a pointer it tells which attempt the chain's own error is about.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// attempt is the chain's resilience.Op.
func (c *call) attempt(ctx context.Context) error {
	x, rt, ended, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer ended()
	a, err := x.run(rt)
	if err == nil {
		err = c.classify(a)
	}
	// Of an attempt that was ended, the error may be anything: the cause of a context is
	// free to look like a failed dial.
	return c.settle(a, err, ctx.Err() == nil && neverSent(err))
}

// begin prepares an exchange, or refuses to make another.
func (c *call) begin(ctx context.Context) (x *exchange, rt http.RoundTripper, ended func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil, nil, nil, errLate
	}
	if reason := c.unrepeatableLocked(); reason != "" {
		return nil, nil, nil, c.refusalLocked(reason, nil)
	}
	body, ended, err := c.body.next()
	if err != nil {
		return nil, nil, nil, c.refusalLocked("its body is not to be had again", err)
	}
	if c.kept != nil && c.kept.failure != nil {
		c.kept.close() // only now is it known that another attempt follows it
		c.kept = nil
	}
	rt = c.cfg.Base
	if c.last != nil || resilience.AttemptNumber(ctx) > 1 { // by a Retry around the client, if the chain has none
		rt = c.cfg.Fresh
	}
	c.attempts++
	c.sent++
	x = &exchange{cfg: c.cfg, life: newLifetime(ctx, c.ctx)}
	x.req = c.req.Clone(x.life)
	x.req.Body = body
	x.req.Cancel = nil            //nolint:staticcheck // deprecated, and part of the context by now
	x.req.Trailer = c.req.Trailer // shared: its values may be set while the body is read
	return x, rt, ended, nil
}

func (c *call) classify(a *answer) error {
	judged := false
	defer func() {
		if !judged {
			a.close()
		}
	}()
	err := c.cfg.Classify(a.res)
	judged = true
	a.rewind()
	return err
}

// settle notes how an attempt ended, and returns what the chain should know of it.
func (c *call) settle(a *answer, err error, neverSent bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = nil
	if err != nil {
		c.last = &failure{err}
	}
	if a != nil {
		a.failure = c.last
		c.keepLocked(a)
	} else if neverSent {
		c.sent--
	}
	if c.last == nil {
		return nil
	}
	if reason := c.unrepeatableLocked(); reason != "" {
		return resilience.Permanent(&UnrepeatableError{Reason: reason, Err: c.last})
	}
	return c.last
}

// keepLocked keeps the newer of two answers, but no failure instead of a success.
func (c *call) keepLocked(a *answer) {
	switch {
	case c.over, c.kept != nil && c.kept.failure == nil && a.failure != nil:
		a.close()
		return
	case c.kept != nil:
		c.kept.close()
	}
	c.kept = a
}

// unrepeatableLocked says why the request must not be sent again, or "" if it may be.
func (c *call) unrepeatableLocked() string {
	switch {
	case c.sent > 0 && !idempotent(c.req):
		return c.req.Method + " is not idempotent and there is no Idempotency-Key"
	case c.body.spent():
		return "its body has been read and there is no GetBody"
	}
	return ""
}

// refusalLocked is the error of an attempt that sends nothing. It tells the failure before
// it, so that what that brought can still be returned.
func (c *call) refusalLocked(reason string, cause error) error {
	switch {
	case cause == nil && c.last != nil:
		cause = c.last
	case c.last != nil:
		cause = fmt.Errorf("%w; before that: %w", cause, c.last)
	}
	return resilience.Permanent(&UnrepeatableError{Reason: reason, Err: cause, local: true})
}

// end says that RoundTrip is over, and returns what there is.
func (c *call) end() (kept *answer, last *failure, attempts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	kept, c.kept = c.kept, nil
	return kept, c.last, c.attempts
}

// abandon ends a call whose result nobody will see.
func (c *call) abandon() {
	if kept, _, _ := c.end(); kept != nil {
		kept.close()
	}
}

// finish makes a response or an error of what the chain returned.
func (c *call) finish(err error) (*http.Response, error) {
	kept, last, attempts := c.end()
	about, _ := errors.AsType[*failure](err)
	if kept != nil {
		// A failed answer is the answer if the chain's error is about it, and not about the
		// caller, who is gone.
		if err == nil || kept.failure != nil && kept.failure == about && c.ctx.Err() == nil {
			kept.res.Request = withAttempts(c.req, attempts)
			kept.whenOver(c.release)
			return kept.res, nil
		}
		kept.close()
	}
	c.release()
	return nil, explain(err, about, last, attempts)
}

package resiliencehttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

var (
	errBodySpent     = errors.New("resiliencehttp: the request's body has been read and has no GetBody")
	errBodyWithdrawn = errors.New("resiliencehttp: read of a request body after the end of its attempt")
)

// A requestBody hands the caller's body to one attempt after the other. A RoundTripper
// must close the body of its request, so whoever is handed one closes it; close is for
// the body that was handed to nobody.
type requestBody struct {
	req *http.Request

	mu     sync.Mutex // protects what follows
	handed bool       // the caller's own body is in other hands
	over   bool       // there will be no further attempt
	loan   *bodyLoan  // the last one, for a body that cannot be had again
	read   bool       // a loan was read from
}

// next returns the body for another attempt, and what to call when that has ended.
func (b *requestBody) next() (body io.ReadCloser, ended func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	original := b.req.Body
	switch {
	case original == nil || original == http.NoBody:
		return original, func() {}, nil
	case b.req.GetBody == nil:
		return b.lendLocked(original)
	case !b.handed:
		b.handed = true
		return original, func() {}, nil
	}
	body, err = b.req.GetBody()
	if err != nil {
		return nil, nil, fmt.Errorf("resiliencehttp: the request's body for another attempt: %w", err)
	}
	return body, func() {}, nil
}

// lendLocked lends a body that exists once. As long as nobody has read from it, because
// the dial failed or the server refused it before "100 Continue", it can be lent again.
func (b *requestBody) lendLocked(original io.ReadCloser) (io.ReadCloser, func(), error) {
	if b.read || b.loan != nil && b.loan.running {
		return nil, nil, errBodySpent
	}
	loan := &bodyLoan{of: b, body: original, running: true}
	b.loan, b.handed = loan, true
	return loan, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		loan.running = false
	}, nil
}

// spent reports whether no further attempt can have the body.
func (b *requestBody) spent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read
}

// close closes the caller's body unless somebody else will, or has.
func (b *requestBody) close() {
	b.mu.Lock()
	b.over = true
	ours := !b.handed || b.loan != nil && b.loan.closed && !b.read
	b.handed = true
	b.mu.Unlock()
	if ours && b.req.Body != nil {
		_ = b.req.Body.Close()
	}
}

// A bodyLoan is the caller's body in the hands of one attempt. Its Close gives an unread
// body back instead of closing it, until there is nobody left to use it.
type bodyLoan struct {
	of   *requestBody
	body io.ReadCloser

	running bool // under of.mu: its attempt has not ended
	closed  bool // under of.mu
}

func (l *bodyLoan) Read(p []byte) (int, error) {
	if !l.mayRead() {
		return 0, errBodyWithdrawn
	}
	return l.body.Read(p)
}

// mayRead is false once another attempt may have the body.
func (l *bodyLoan) mayRead() bool {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	if l.closed || l.of.loan != l {
		return false
	}
	l.of.read = true
	return true
}

func (l *bodyLoan) Close() error {
	l.of.mu.Lock()
	first := !l.closed && l.of.loan == l
	l.closed = true
	last := first && (l.of.read || l.of.over)
	l.of.mu.Unlock()
	if !last {
		return nil
	}
	return l.body.Close()
}

package caller

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"reliability/pkg/resilience"
)

// Bounds of the pool and of what comes over a connection.
const (
	maxIdle        = 1000 // connections kept while nobody needs them
	idleTimeout    = 90 * time.Second
	maxAnswer      = 1 << 20
	maxAnswerHeads = 64 << 10
	maxDial        = 10 * time.Second
)

// connections is the http.RoundTripper that chooses how an attempt reaches the
// dependency. A first attempt goes by the mode in force; a later one always has a fresh
// connection, because a kept one leads to where the last attempt failed.
type connections struct {
	fresh *http.Transport // a connection for each request
	// dialLimit is a time.Duration. net/http goes on with a dial when the attempt that
	// wanted it has ended, so that a host which swallows them would be sent more and more.
	dialLimit atomic.Int64

	mu   sync.Mutex // protects what follows
	mode ConnectionPolicy
	pool *http.Transport // nil: none yet, or no longer
	born time.Time       // of the pool
}

// newConnections returns connections that are made one for each request. Of secure ones the
// handshake is part of the dial, and goes on without the attempt as well.
func newConnections(network Network, secure bool) *connections {
	c := &connections{}
	c.dialLimit.Store(int64(maxDial))
	c.fresh = &http.Transport{
		DialContext: func(ctx context.Context, kind, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Duration(c.dialLimit.Load()))
			defer cancel()
			conn, err := network.DialContext(ctx, kind, addr)
			if err != nil {
				return nil, err
			}
			if deadline, ok := ctx.Deadline(); secure && ok { // until a request has it: see newRecord
				if err := conn.SetDeadline(deadline); err != nil {
					return nil, errors.Join(err, conn.Close())
				}
			}
			return conn, nil
		},
		DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswerHeads,
	}
	return c
}

// configure changes the mode for attempts that begin from now on. No dial is to take
// longer than an attempt may.
func (c *connections) configure(p Policy) {
	limit := maxDial
	for name, l := range map[string]LimitPolicy{policyTimeout: p.Timeout, policyDeadline: p.Deadline} {
		if slices.Contains(p.Order, name) {
			limit = min(limit, time.Duration(l.Limit))
		}
	}
	c.dialLimit.Store(int64(limit))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode != p.Connections {
		c.mode = p.Connections
		c.retireLocked()
	}
}

// RoundTrip implements [http.RoundTripper].
//
// Where a kept connection breaks, net/http sends a request again by itself, over one kept
// connection after the other: attempts that neither the policies nor the answer know of.
// It does not for a request whose body it could not send again, so a GET is given an empty
// one. What is no GET never meets a connection that may have been closed meanwhile.
func (c *connections) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet || resilience.AttemptNumber(r.Context()) > 1 {
		return c.fresh.RoundTrip(r)
	}
	t := c.first(time.Now())
	if t != c.fresh {
		r = r.WithContext(r.Context())
		r.Body = io.NopCloser(strings.NewReader(""))
	}
	return t.RoundTrip(r)
}

// first returns what first attempts go through. A maximum age holds for the pool as a
// whole: all its connections are given up together, each when its request is done, so
// that none is older.
func (c *connections) first(now time.Time) *http.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode.Mode != connectionsPooled {
		return c.fresh
	}
	if age := time.Duration(c.mode.MaxAge); c.pool != nil && age > 0 && now.Sub(c.born) >= age {
		c.retireLocked()
	}
	if c.pool == nil {
		c.pool, c.born = c.fresh.Clone(), now
		c.pool.DisableKeepAlives = false
		c.pool.MaxIdleConns, c.pool.MaxIdleConnsPerHost, c.pool.IdleConnTimeout = maxIdle, maxIdle, idleTimeout
		if age := time.Duration(c.mode.MaxAge); age > 0 {
			c.pool.IdleConnTimeout = min(idleTimeout, age)
		}
	}
	return c.pool
}

// retireLocked gives the pool up. Connections in use are closed when they come back, unless
// a request that chose the pool a moment ago asks it for one after this; those are closed
// once they have idled for as long as they may.
func (c *connections) retireLocked() {
	if c.pool != nil {
		c.pool.CloseIdleConnections()
		c.pool = nil
	}
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retireLocked()
}

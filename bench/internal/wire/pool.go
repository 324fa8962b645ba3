package wire

import (
	"context"
	"sync"
	"time"
)

// maxIdle is how long a connection may wait for its next request. The server closes those
// that wait for two minutes, and may do so as a request comes.
const maxIdle = time.Minute

// A Pool is as many clients of one address as there are requests at a time. It is safe for
// concurrent use.
type Pool struct {
	Addr string

	mu   sync.Mutex // protects idle
	idle []idle
}

// idle is a client that waits.
type idle struct {
	*Client
	since time.Time
}

// Ask sends a request over a connection that is free, or over a new one, and shows the
// answer. An error costs the connection, and nothing is sent twice.
func (p *Pool) Ask(ctx context.Context, request []byte, show func(status int, body []byte)) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	status, body, err := c.Ask(request)
	if err != nil {
		c.Close()
		return err
	}
	show(status, body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, idle{c, time.Now()})
	return nil
}

// take prefers the connection that was used last: the others may go cold. Where that one has
// waited for too long, so have all.
func (p *Pool) take(ctx context.Context) (*Client, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		last := p.idle[n-1]
		if time.Since(last.since) < maxIdle {
			p.idle = p.idle[:n-1]
			p.mu.Unlock()
			return last.Client, nil
		}
		p.closeLocked()
	}
	p.mu.Unlock()
	return Dial(ctx, p.Addr)
}

// Close closes the connections that are free.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLocked()
}

func (p *Pool) closeLocked() {
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}

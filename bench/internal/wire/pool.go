package wire

import (
	"context"
	"sync"
)

// A Pool is as many clients of one address as there are requests at a time. It is safe for
// concurrent use.
type Pool struct {
	Addr string

	mu   sync.Mutex // protects idle
	idle []*Client
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
	p.idle = append(p.idle, c)
	return nil
}

// take prefers the connection that was used last: the others may go cold.
func (p *Pool) take(ctx context.Context) (*Client, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return Dial(ctx, p.Addr)
}

// Close closes the connections that are free.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}

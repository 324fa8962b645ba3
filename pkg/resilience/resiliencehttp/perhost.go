package resiliencehttp

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"reliability/pkg/resilience"
)

const (
	defaultMaxHosts = 100
	maxHostsAllowed = 1_000_000
)

var errNotMade = errors.New("PerHostConfig.New made none")

// PerHostConfig configures [NewPerHost].
type PerHostConfig struct {
	// New makes the chain for an origin, as "https://example.com:8443"; see [Origin]. It is
	// called when a request first goes there, outside locks, once for all requests that
	// wait for it. An error is that of these requests; the next one tries again. Required.
	New func(origin string) (resilience.Handler, error)
	// Max is how many origins are kept; beyond it the one unused for longest is forgotten,
	// and with it what its breaker knows. 0: 100.
	Max int
}

// Validate reports every field that cannot be accepted.
func (c PerHostConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.New != nil, "PerHostConfig.New", "nil", "a function")
	bad.require(c.Max >= 0 && c.Max <= maxHostsAllowed, "PerHostConfig.Max", c.Max, "1 to 1000000, or 0 for 100")
	return errors.Join(bad...)
}

// A PerHost is a set of chains, one for each scheme and host, so that each dependency has
// its own breaker, shared by all its paths and methods. The set is bounded, because the
// hosts may come from outside. A call in flight keeps the chain it began with, also when
// the set forgets it. It is safe for concurrent use.
type PerHost struct {
	make func(origin string) (resilience.Handler, error)
	max  int

	mu     sync.Mutex // protects what follows
	chains map[string]*list.Element
	recent list.List // of *hostChain, the one used last in front
}

// A hostChain is the chain of one origin.
type hostChain struct {
	origin string

	ready   chan struct{} // closed when what follows is known
	handler resilience.Handler
	err     error
}

// NewPerHost returns an empty set.
func NewPerHost(cfg PerHostConfig) (*PerHost, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("resiliencehttp: new per host: %w", err)
	}
	p := &PerHost{make: cfg.New, max: cfg.Max, chains: map[string]*list.Element{}}
	if p.max == 0 {
		p.max = defaultMaxHosts
	}
	return p, nil
}

// Handler returns the chain for the origin of u, and makes it if there is none. While
// another call makes it, it waits as long as ctx lasts.
func (p *PerHost) Handler(ctx context.Context, u *url.URL) (resilience.Handler, error) {
	origin := Origin(u)
	c, first := p.chain(origin)
	if first {
		p.build(c)
	}
	select {
	case <-c.ready:
	case <-ctx.Done():
		return nil, fmt.Errorf("resiliencehttp: waiting for the chain for %s: %w", origin, context.Cause(ctx))
	}
	if c.err != nil {
		return nil, fmt.Errorf("resiliencehttp: chain for %s: %w", origin, c.err)
	}
	return c.handler, nil
}

// Origins lists the origins that have a chain, the one used last first.
func (p *PerHost) Origins() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	origins := make([]string, 0, len(p.chains))
	for e := p.recent.Front(); e != nil; e = e.Next() {
		origins = append(origins, e.Value.(*hostChain).origin)
	}
	return origins
}

// chain finds the chain of origin. The first to ask for it has to build it.
func (p *PerHost) chain(origin string) (c *hostChain, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.chains[origin]; e != nil {
		p.recent.MoveToFront(e)
		return e.Value.(*hostChain), false
	}
	c = &hostChain{origin: origin, ready: make(chan struct{}), err: errNotMade}
	p.chains[origin] = p.recent.PushFront(c)
	if len(p.chains) > p.max {
		p.forgetLocked(p.recent.Back())
	}
	return c, true
}

// build makes the chain c. What cannot be made is not kept, be it for an error, a panic or
// Goexit: it would take the place of a chain that works, and never be tried again.
func (p *PerHost) build(c *hostChain) {
	defer close(c.ready)
	defer func() {
		if c.err != nil {
			p.forget(c)
		}
	}()
	handler, err := p.make(c.origin)
	if err == nil && handler == nil {
		err = errNotMade
	}
	c.handler, c.err = handler, err
}

func (p *PerHost) forget(c *hostChain) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.chains[c.origin]; e != nil && e.Value == c {
		p.forgetLocked(e)
	}
}

func (p *PerHost) forgetLocked(e *list.Element) {
	delete(p.chains, e.Value.(*hostChain).origin)
	p.recent.Remove(e)
}

package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// ErrCrashed is the cause with which the contexts of calls end when an [Server.Outage] does.
var ErrCrashed = errors.New("the service crashed")

// Outage makes the public side look as if the process had crashed: its listener and all its
// connections are gone when Outage returns, and the contexts of the calls that were running
// end with [ErrCrashed], or as if the client had gone for one that is just writing. The
// admin side goes on, and is not ready. When back is closed the public side listens again
// at the same address; if it cannot, Run ends with a [*ListenError].
//
// It does nothing and reports false during an outage or when Run is not running; during the
// drain there is no coming back from it.
func (s *Server) Outage(back <-chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up == nil {
		return false
	}
	s.down.Store(true)
	s.up.crash()
	s.up = nil
	s.outages <- back
	return true
}

// An incarnation is the public side from one outage to the next. It is its own listener,
// because only who accepts a connection can know of every one: http.Server.Close misses
// what was just accepted.
type incarnation struct {
	net.Listener
	server *http.Server
	end    context.CancelCauseFunc

	mu      sync.Mutex // protects what follows
	crashed bool
	conns   map[net.Conn]struct{}
}

// servePublic serves at l until an outage or the end.
func (r *running) servePublic(l net.Listener) *http.Server {
	ctx, end := context.WithCancelCause(r.calls)
	p := &incarnation{Listener: l, end: end, conns: map[net.Conn]struct{}{}}
	p.server = r.s.server(r.life(ctx), r.s.lettingGo(r.s.cfg.Public))
	p.server.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.conns, c)
		}
	}
	r.s.mu.Lock()
	r.s.up = p
	r.s.mu.Unlock()
	r.serving.Go(func() {
		err := p.server.Serve(p)
		r.s.mu.Lock()
		defer r.s.mu.Unlock()
		if r.s.up == p && !errors.Is(err, http.ErrServerClosed) { // neither an outage nor the end
			r.s.up = nil
			r.failed <- err
		}
	})
	return p.server
}

func (p *incarnation) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crashed {
		reset(c)
		_ = c.Close()
		return nil, net.ErrClosed
	}
	p.conns[c] = struct{}{}
	return c, nil
}

// crash lets no connection say another word before it ends the contexts, for a handler may
// answer when its own ends; and it closes none before that, for net/http would then end the
// contexts without a cause.
func (p *incarnation) crash() {
	_ = p.Close() // even if Serve has not begun
	p.mu.Lock()
	p.crashed = true
	conns := make([]net.Conn, 0, len(p.conns))
	for c := range p.conns {
		conns = append(conns, c)
	}
	p.mu.Unlock()
	for _, c := range conns {
		reset(c)
		_ = c.SetWriteDeadline(time.Unix(1, 0))
	}
	p.end(ErrCrashed)
	for _, c := range conns {
		_ = c.Close()
	}
	_ = p.server.Close() // the end is not to wait for handlers of a process that is gone
}

// reset has c closed with a reset, where its kind can do that.
func reset(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
}

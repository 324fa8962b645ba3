package serve

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// A Life says how far the end of a server is, to calls that hold on to something for it:
// their own contexts also end when the client goes, and say nothing of the server then.
type Life struct {
	// Stopping is closed when the server accepts no more: the drain has passed.
	Stopping <-chan struct{}
	// Over is closed when the server ends the contexts of its calls: the grace has passed,
	// or an outage began, or Run is done.
	Over <-chan struct{}
}

type lifeKey struct{}

// LifeOf returns the life of the server whose call ctx belongs to, even when ctx itself is
// done. Of any other context it is the zero Life, which never ends.
func LifeOf(ctx context.Context) Life {
	life, _ := ctx.Value(lifeKey{}).(Life)
	return life
}

// running is what one Run has, and what follows an outage needs again.
type running struct {
	s        *Server
	calls    context.Context
	stopping <-chan struct{}
	serving  sync.WaitGroup
	failed   chan error // one for each listener at most, so that neither waits
}

// life returns ctx with the Life that is over when ctx is.
func (r *running) life(ctx context.Context) context.Context {
	return context.WithValue(ctx, lifeKey{}, Life{Stopping: r.stopping, Over: ctx.Done()})
}

// until returns when the server is to accept no more, with what serves the public then:
// ctx is done and the drain has passed, or there is an error.
func (r *running) until(ctx context.Context, public *http.Server) (*http.Server, error) {
	for {
		select {
		case <-ctx.Done():
			return public, r.drain()
		case err := <-r.failed:
			return public, err
		case back := <-r.s.outages:
			select {
			case <-ctx.Done(): // no drain: nobody can call
				r.s.draining.Store(true)
				return public, nil
			case err := <-r.failed:
				return public, err
			case <-back:
			}
			l, err := r.s.cfg.Listen(r.s.addr)
			if err != nil {
				return public, &ListenError{Addr: r.s.addr, Err: err}
			}
			r.s.down.Store(false) // first: the next outage may come at once
			public = r.servePublic(l)
		}
	}
}

// drain waits for Drain to pass, or for an outage, after which nobody is left to notice; or
// it returns why a listener failed meanwhile.
func (r *running) drain() error {
	r.s.draining.Store(true)
	timer := time.NewTimer(r.s.cfg.Drain)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.s.outages:
		return nil
	case err := <-r.failed:
		return err
	}
}

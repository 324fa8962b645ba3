// Package serve is the life of a service: listen, be ready, drain, shut down. No other
// package has any of it.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what a client may send and how long it may take, for both listeners.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// ErrShutdown is the cause with which the contexts of calls end that outlive the grace.
var ErrShutdown = errors.New("the service is shutting down")

// Config is what a [Server] serves, and how long it takes its leave.
type Config struct {
	// Addr and AdminAddr are where to listen: host:port, with port 0 for any.
	Addr, AdminAddr string
	// Listen opens a listener. Nil: TCP.
	Listen func(addr string) (net.Listener, error)
	// Public answers at Addr, Admin at AdminAddr except for the probes: /livez always says
	// yes, /readyz until the drain begins, unless Ready says why not.
	Public, Admin http.Handler
	// Headers are set on every answer of both listeners, before any handler sees it.
	Headers map[string]string
	// Ready says why no calls should be sent here, in the words /readyz answers with. Nil:
	// there is never a reason.
	Ready func() error
	// Background runs beside the calls. Its context ends when the server stops accepting,
	// and Flush waits until it has returned.
	Background func(context.Context)
	// Drain is how long to go on serving after /readyz has said no, so that those who send
	// calls here can notice.
	Drain time.Duration
	// Grace is how long the calls then running may take before their contexts end. 0: 10 s.
	Grace time.Duration
	// Flush sends what telemetry still holds back; it is the last thing done and gets
	// FlushTimeout. 0: 5 s. Nil: nothing.
	Flush        func(context.Context) error
	FlushTimeout time.Duration
	// Logger is told what net/http complains of. Nil: slog's default.
	Logger *slog.Logger
}

// A ListenError is an address that cannot be listened at.
type ListenError struct {
	Addr  string
	Admin bool // it is the admin listener's
	Err   error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("cannot listen at %s: %v", e.Addr, cause(e.Err))
}
func (e *ListenError) Unwrap() error { return e.Err }

// cause strips net's "listen tcp 127.0.0.1:80: bind:", which says again what is known.
func cause(err error) error {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err
}

// A Server is one service between Listen and the end of Run.
type Server struct {
	cfg           Config
	public, admin net.Listener
	addr          string // of public, and of those that follow it after an outage
	draining      atomic.Bool
	down          atomic.Bool

	mu      sync.Mutex             // protects up
	up      *incarnation           // what an outage would end: nil before Run, and in an outage
	outages chan (<-chan struct{}) // one at most: there is none while up is nil
}

// Listen opens both listeners, so that an address that is taken is known at once and the
// real addresses are known before anything is served. The error is a [*ListenError].
func Listen(cfg Config) (*Server, error) {
	if cfg.Listen == nil {
		cfg.Listen = func(addr string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(context.Background(), "tcp", addr) // nothing to wait for
		}
	}
	if cfg.Grace == 0 {
		cfg.Grace = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.FlushTimeout == 0 {
		cfg.FlushTimeout = 5 * time.Second
	}
	cfg.Headers = maps.Clone(cfg.Headers)
	public, err := cfg.Listen(cfg.Addr)
	if err != nil {
		return nil, &ListenError{Addr: cfg.Addr, Err: err}
	}
	admin, err := cfg.Listen(cfg.AdminAddr)
	if err != nil {
		_ = public.Close()
		return nil, &ListenError{Addr: cfg.AdminAddr, Admin: true, Err: err}
	}
	return &Server{
		cfg: cfg, public: public, admin: admin, addr: public.Addr().String(),
		outages: make(chan (<-chan struct{}), 1),
	}, nil
}

// Addr returns where the public listener really is.
func (s *Server) Addr() string { return s.addr }

// AdminAddr returns where the admin listener really is.
func (s *Server) AdminAddr() string { return s.admin.Addr().String() }

// Close gives up a server that Run is not going to run.
func (s *Server) Close() error { return errors.Join(s.public.Close(), s.admin.Close()) }

// Run serves until ctx is done, then takes its leave in order: not ready; keep serving
// for Drain, but let go of each connection after its answer; accept no more; let the
// running calls finish, up to Grace; end the contexts of those that do not; close the
// admin listener; flush. It returns nil after an orderly end, whatever that took.
func (s *Server) Run(ctx context.Context) error {
	// Calls outlive ctx: it says when to stop, and an accepted call is to be answered.
	calls, endCalls := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endCalls(nil)
	accepting, stop := context.WithCancel(calls)
	defer stop()
	r := &running{s: s, calls: calls, stopping: accepting.Done(), failed: make(chan error, 2)}
	public := r.servePublic(s.public)
	admin := s.server(r.life(calls), s.withProbes(s.cfg.Admin))
	r.serving.Go(func() {
		if err := admin.Serve(s.admin); !errors.Is(err, http.ErrServerClosed) {
			r.failed <- err
		}
	})
	var background sync.WaitGroup
	if s.cfg.Background != nil {
		background.Go(func() { s.cfg.Background(accepting) })
	}

	public, err := r.until(ctx, public)
	stop()
	grace, cancel := context.WithTimeout(calls, s.cfg.Grace)
	defer cancel()
	if public.Shutdown(grace) != nil {
		endCalls(ErrShutdown)
		// What does not end with its context is cut off by Close.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if public.Shutdown(last) != nil {
			_ = public.Close()
		}
	}
	_ = admin.Close() // probes and scrapes ask again
	r.serving.Wait()
	close(r.failed)
	for e := range r.failed {
		err = errors.Join(err, e)
	}
	background.Wait()
	if s.cfg.Flush != nil {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.FlushTimeout)
		defer cancel()
		if e := s.cfg.Flush(flush); e != nil { // spans are lost, and no call
			s.cfg.Logger.Warn("telemetry was not sent in time", "error", e.Error())
		}
	}
	return err
}

func (s *Server) server(base context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           s.withHeaders(h),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout, // no WriteTimeout: how long a call takes is the handlers' business
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
	}
}

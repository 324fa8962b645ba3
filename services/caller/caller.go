// Package caller is the service that must survive: it protects its calls to an unreliable
// dependency with package resilience, and answers with what happened to each.
package caller

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

// tracerName is the instrumentation scope of the spans made here.
const tracerName = "reliability/services/caller"

// Network is how caller reaches others. The zero value is the real network.
type Network struct {
	// DialContext opens a connection. Nil: net.Dialer's.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// LookupHost returns every address of a host. Nil: net.DefaultResolver's.
	LookupHost func(ctx context.Context, host string) ([]string, error)
}

func (n Network) withDefaults() Network {
	if n.DialContext == nil {
		n.DialContext = (&net.Dialer{}).DialContext
	}
	if n.LookupHost == nil {
		n.LookupHost = net.DefaultResolver.LookupHost
	}
	return n
}

// Service is caller. It is safe for concurrent use.
type Service struct {
	cfg         Config
	tel         *telemetry.Telemetry
	tracer      trace.Tracer
	since       time.Time
	upstream    *upstream
	protections []*protection // one for each engine
	front       *front
	load        *generator
	feed        *feed
	pods        *pods
	history     history
	replicas    *replicas // nil without fault controls
	// faultsWritten has something in it when faults were changed through this caller.
	faultsWritten chan struct{}
	peers         *fleet // nil without other callers

	applying sync.Mutex // held while a policy is put in force
	inForce  atomic.Pointer[version]
}

// New returns caller, ready to serve.
func New(cfg Config, tel *telemetry.Telemetry, network Network) (*Service, error) {
	network = network.withDefaults()
	target, err := url.Parse(cfg.UpstreamURL)
	if err != nil {
		return nil, fmt.Errorf("caller: upstream: %w", err)
	}
	s := &Service{
		cfg: cfg, tel: tel, tracer: tel.Tracers.Tracer(tracerName), since: time.Now(),
		upstream: newUpstream(target, cfg.Name, tel, network), pods: newPods(), faultsWritten: make(chan struct{}, 1),
	}
	s.feed = newFeed(func() any { return s.state() })
	s.feed.logger = tel.Logger
	s.load = newGenerator(cfg.Load, s.generate)
	if cfg.FlakyAdminURL != "" {
		if s.replicas, err = newReplicas(cfg.FlakyAdminURL, network); err != nil {
			return nil, fmt.Errorf("caller: fault controls: %w", err)
		}
	}
	if cfg.PeersURL != "" {
		peers, err := url.Parse(cfg.PeersURL)
		if err != nil {
			return nil, fmt.Errorf("caller: peers: %w", err)
		}
		s.peers = newFleet(peers, network)
	}
	if s.front, err = newFront(cfg, tel); err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	for _, e := range engines() {
		p, err := newProtection(e, target.Host, cfg.Policy, tel, s.decided)
		if err != nil {
			return nil, fmt.Errorf("caller: %s: %w", e.name, err)
		}
		s.protections = append(s.protections, p)
	}
	if err := s.apply(cfg.Policy, sourceBoot); err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	s.history.add(s.moment()) // what later ones are more than
	return s, nil
}

// protection returns an engine's by its name, or nil; "" is the first one's.
func (s *Service) protection(engine string) *protection {
	for _, p := range s.protections {
		if p.engine == engine || engine == "" {
			return p
		}
	}
	return nil
}

// background is what caller does beside answering.
func (s *Service) background(ctx context.Context) {
	defer s.upstream.connections.close()
	var all sync.WaitGroup
	all.Go(func() { s.feed.run(ctx) })
	all.Go(func() { s.load.run(ctx) })
	all.Go(func() { s.remember(ctx) })
	all.Go(func() { s.watchFaults(ctx) })
	all.Wait()
}

// Listen opens both listeners, by listen or, if that is nil, by TCP. The server it returns
// ends with the telemetry's last spans sent.
func (s *Service) Listen(listen func(addr string) (net.Listener, error)) (*serve.Server, error) {
	return serve.Listen(serve.Config{
		Addr: s.cfg.Addr, AdminAddr: s.cfg.AdminAddr, Listen: listen, Public: s.publicRoutes(), Admin: s.adminRoutes(),
		Background: s.background, Headers: map[string]string{headerServedBy: s.cfg.Name}, Drain: s.cfg.Drain, Grace: s.cfg.Grace, Flush: s.tel.Shutdown, Logger: s.tel.Logger,
	})
}

// Package caller is the service that must survive: it protects its calls to an unreliable
// dependency with package resilience, and answers with what happened to each.
package caller

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
	"reliability/pkg/resilience/sonybreaker"
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

// withDefaults limits a dial by itself: net/http goes on with it when the attempt that
// wanted it has ended.
func (n Network) withDefaults(limit time.Duration) Network {
	if n.DialContext == nil {
		n.DialContext = (&net.Dialer{Timeout: limit}).DialContext
	}
	if n.LookupHost == nil {
		n.LookupHost = net.DefaultResolver.LookupHost
	}
	return n
}

// Service is caller. It is safe for concurrent use.
type Service struct {
	cfg      Config
	tel      *telemetry.Telemetry
	upstream *upstream
	replicas *replicas // nil without fault controls
	engines  []*protection
}

// A protection is one engine's whole chain. The engines live side by side: same
// configuration, same traffic, each with a breaker of its own.
type protection struct {
	engine  string
	breaker resilience.Breaker
	handler resilience.Handler
}

// New returns caller, ready to serve.
func New(cfg Config, tel *telemetry.Telemetry, network Network) (*Service, error) {
	network = network.withDefaults(cfg.Timeout)
	target, err := url.Parse(cfg.UpstreamURL)
	if err != nil {
		return nil, fmt.Errorf("caller: upstream: %w", err)
	}
	s := &Service{cfg: cfg, tel: tel, upstream: newUpstream(target, cfg.Name, tel, network)}
	if cfg.FlakyAdminURL != "" {
		if s.replicas, err = newReplicas(cfg.FlakyAdminURL, network); err != nil {
			return nil, fmt.Errorf("caller: fault controls: %w", err)
		}
	}
	observer, err := resilienceotel.NewObserver(resilienceotel.Config{Logger: tel.Logger, MeterProvider: tel.Meters})
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	for _, engine := range []struct {
		name string
		make func(resilience.BreakerConfig) (resilience.Breaker, error)
	}{
		{"handrolled", resilience.NewBreaker},
		{"gobreaker", sonybreaker.New},
	} {
		breaker, err := engine.make(resilience.BreakerConfig{
			Name: target.Host + "/" + engine.name, Failures: cfg.BreakerFailures, OpenFor: cfg.BreakerOpenFor,
			Probes: cfg.BreakerProbes, Lease: cfg.BreakerLease, Observer: observer,
		})
		if err != nil {
			return nil, fmt.Errorf("caller: %s: %w", engine.name, err)
		}
		handler, err := s.chain(breaker, observer)
		if err != nil {
			return nil, fmt.Errorf("caller: %s: %w", engine.name, err)
		}
		s.engines = append(s.engines, &protection{engine.name, breaker, handler})
	}
	return s, nil
}

// chain is the system's own order, Retry(Timeout(CircuitBreaker(call))): a retry makes
// attempts, each attempt has a deadline, each attempt asks the breaker.
func (s *Service) chain(breaker resilience.Breaker, observer resilience.Observer) (resilience.Handler, error) {
	return resilience.Chain(
		resilienceotel.Trace(s.tel.Tracers.Tracer(tracerName), "call"),
		resilience.Retry(resilience.RetryConfig{
			MaxAttempts: s.cfg.RetryMaxAttempts, Base: s.cfg.RetryBase, Max: s.cfg.RetryMax,
			Jitter: resilience.Jitter(s.cfg.RetryJitter), Observer: observer,
		}),
		recording(),
		resilience.Timeout(resilience.TimeoutConfig{Limit: s.cfg.Timeout, Observer: observer}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker, Classify: blame}),
	)
}

// policy says in words what the chain does, outermost first.
func (s *Service) policy() []string {
	c := s.cfg
	return []string{
		fmt.Sprintf("retry: %d attempts, back-off %v to %v, %v jitter", c.RetryMaxAttempts, c.RetryBase, c.RetryMax, resilience.Jitter(c.RetryJitter)),
		fmt.Sprintf("timeout: %v for each attempt", c.Timeout),
		fmt.Sprintf("circuit breaker: opens after %d failures in a row, for %v, closes after %d probes", c.BreakerFailures, c.BreakerOpenFor, c.BreakerProbes),
	}
}

// engine returns a protection by its name, or nil; "" is the first one's.
func (s *Service) engine(name string) *protection {
	for _, p := range s.engines {
		if p.engine == name || name == "" {
			return p
		}
	}
	return nil
}

// Listen opens both listeners, by listen or, if that is nil, by TCP. The server it returns
// ends with the telemetry's last spans sent.
func (s *Service) Listen(listen func(addr string) (net.Listener, error)) (*serve.Server, error) {
	return serve.Listen(serve.Config{
		Addr: s.cfg.Addr, AdminAddr: s.cfg.AdminAddr, Listen: listen, Public: s.publicRoutes(), Admin: s.adminRoutes(),
		Drain: s.cfg.Drain, Grace: s.cfg.Grace, Flush: s.tel.Shutdown, Logger: s.tel.Logger,
	})
}

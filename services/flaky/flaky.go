// Package flaky is the dependency that misbehaves on purpose: a service whose faults are
// dialled by a document, see [Faults], and injected faithfully.
package flaky

import (
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

// ServedBy is the header of every answer that says which replica gave it.
const ServedBy = "X-Served-By"

// Service is one replica. It is safe for concurrent use.
type Service struct {
	cfg      Config
	tel      *telemetry.Telemetry
	inForce  atomic.Pointer[inForce]
	arrivals atomic.Uint64
}

// inForce is the fault document by which requests are decided, and whose it is. It is
// replaced as a whole and never changed.
type inForce struct {
	faults Faults
	source string // "boot" or "api"
	since  time.Time
}

// New returns a replica with its boot profile in force.
func New(cfg Config, tel *telemetry.Telemetry) *Service {
	s := &Service{cfg: cfg, tel: tel}
	s.apply(cfg.Faults, "boot")
	return s
}

// Listen opens both listeners, by listen or, if that is nil, by TCP. The server it returns
// ends with the telemetry's last spans sent.
func (s *Service) Listen(listen func(addr string) (net.Listener, error)) (*serve.Server, error) {
	return serve.Listen(serve.Config{
		Addr: s.cfg.Addr, AdminAddr: s.cfg.AdminAddr, Listen: listen, Public: s.publicRoutes(), Admin: s.adminRoutes(),
		Drain: s.cfg.Drain, Grace: s.cfg.Grace, Flush: s.tel.Shutdown, Logger: s.tel.Logger,
	})
}

// apply puts a document in force. Requests that were decided before keep their decision.
func (s *Service) apply(f Faults, source string) {
	if f.Seed == 0 {
		f.Seed = 1 + rand.Uint64N(maxSeed)
	}
	s.inForce.Store(&inForce{faults: f, source: source, since: time.Now()})
}

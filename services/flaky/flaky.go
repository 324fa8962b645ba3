// Package flaky is the dependency that misbehaves on purpose: a service whose faults are
// dialled by a document, see [Document], and injected faithfully.
package flaky

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

// ServedBy is the header of every answer that says which replica gave it.
const ServedBy = "X-Served-By"

// Service is one replica. It is safe for concurrent use.
type Service struct {
	cfg    Config
	tel    *telemetry.Telemetry
	stats  *stats
	ledger *ledger
	pool   pool
	server *serve.Server // set by Listen

	inForce  atomic.Pointer[profile]
	applying sync.Mutex // held by who changes inForce; protects file's fields
	file     *file      // nil: there is none
}

// New returns a replica with its file's document in force or, without a file or with an
// empty one, its boot profile. The error lists what is wrong with the file.
func New(cfg Config, tel *telemetry.Telemetry) (*Service, error) {
	s := &Service{cfg: cfg, tel: tel, stats: newStats(time.Now()), ledger: newLedger()}
	if cfg.FaultsFile != "" {
		var err error
		if s.file, err = openFile(cfg.FaultsFile); err != nil {
			return nil, err
		}
	}
	s.apply(s.homeLocked())
	if err := s.measure(); err != nil {
		return nil, err
	}
	return s, nil
}

// Listen opens both listeners, by listen or, if that is nil, by TCP. The server it returns
// ends with the telemetry's last spans sent. It can be called once.
func (s *Service) Listen(listen func(addr string) (net.Listener, error)) (*serve.Server, error) {
	server, err := serve.Listen(serve.Config{
		Addr: s.cfg.Addr, AdminAddr: s.cfg.AdminAddr, Listen: listen, Public: s.publicRoutes(), Admin: s.adminRoutes(),
		Headers: map[string]string{ServedBy: s.cfg.Name}, Ready: s.ready, Background: s.background,
		Drain: s.cfg.Drain, Grace: s.cfg.Grace, Flush: s.tel.Shutdown, Logger: s.tel.Logger,
	})
	s.server = server
	return server, err
}

// background is what happens by itself, until ctx ends.
func (s *Service) background(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { s.followCrashes(ctx) })
	all.Go(func() { s.followSchedule(ctx) })
	if s.file != nil {
		all.Go(func() { s.followFile(ctx) })
	}
	all.Wait()
}

func (s *Service) ready() error {
	if s.inForce.Load().episode(time.Now()).faults.Unready {
		return errors.New("injected fault: unready")
	}
	return nil
}

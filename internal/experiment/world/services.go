package world

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/caller"
	"reliability/services/flaky"
)

// grace is how long a service's running requests may take when an experiment has ended.
const grace = time.Second

// start brings up flaky and the callers, each on ports that are free.
func (sys *System) start(ctx context.Context, w *World, s Setup) error {
	admin, upstream, err := sys.startFlaky(ctx, w)
	if err != nil {
		return err
	}
	sys.Flaky = &Flaky{api{sys.client, admin}}
	for i := range max(1, s.Callers) {
		below, name := upstream+"/work", "caller-"+strconv.Itoa(i+1)
		for layer := range max(1, s.Layers) {
			url, err := sys.startCaller(ctx, w, s, fmt.Sprintf("%s-%d", name, layer+1), below)
			if err != nil {
				return err
			}
			below = url + "/call"
			c := &Caller{api{sys.client, url}}
			if layer == 0 {
				sys.Callers = append(sys.Callers, c)
				continue
			}
			sys.Callers = append([]*Caller{c}, sys.Callers...) // the outermost first
		}
	}
	return nil
}

func (sys *System) startFlaky(ctx context.Context, w *World) (admin, public string, err error) {
	cfg, err := flaky.LoadConfig([]string{"FLAKY_ADDR=127.0.0.1:0", "FLAKY_ADMIN_ADDR=127.0.0.1:0", "FLAKY_NAME=flaky"})
	if err != nil {
		return "", "", err
	}
	cfg.Drain, cfg.Grace = 0, grace
	tel, err := quiet(ctx, "flaky", cfg.Name)
	if err != nil {
		return "", "", err
	}
	service, err := flaky.New(cfg, tel)
	if err != nil {
		return "", "", err
	}
	server, err := service.Listen(w.listen)
	if err != nil {
		return "", "", err
	}
	sys.run(ctx, server)
	return "http://" + server.AdminAddr(), "http://" + server.Addr(), nil
}

func (sys *System) startCaller(ctx context.Context, w *World, s Setup, name, upstream string) (string, error) {
	cfg, err := caller.LoadConfig([]string{"CALLER_ADDR=127.0.0.1:0", "CALLER_ADMIN_ADDR=127.0.0.1:0", "CALLER_NAME=" + name})
	if err != nil {
		return "", err
	}
	cfg.Drain, cfg.Grace, cfg.UpstreamURL = 0, grace, upstream
	if s.MaxInFlight > 0 {
		cfg.MaxInFlight = s.MaxInFlight
	}
	tel, err := quiet(ctx, "caller", name)
	if err != nil {
		return "", err
	}
	service, err := caller.New(cfg, tel, w.network)
	if err != nil {
		return "", err
	}
	server, err := service.Listen(w.listen)
	if err != nil {
		return "", err
	}
	sys.run(ctx, server)
	return "http://" + server.Addr(), nil
}

// run serves until Close: what is nearest to the clients ends first.
func (sys *System) run(ctx context.Context, server *serve.Server) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	sys.ends = append([]func() error{func() error {
		sys.client.CloseIdleConnections()
		stop()
		return <-ended
	}}, sys.ends...)
}

// quiet is telemetry as everywhere, but that nobody reads the log. What the experiments
// judge is what the services' clients see.
func quiet(ctx context.Context, service, instance string) (*telemetry.Telemetry, error) {
	return telemetry.New(ctx, telemetry.Config{
		Service: service, Instance: instance, Store: telemetry.NewStore(), LogOutput: io.Discard, LogLevel: slog.LevelError,
	})
}

// Package server starts services and what they are compared with, in this process, on
// loopback TCP, with the same telemetry.
package server

import (
	"context"
	"errors"
	"io"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"

	"reliability/bench/internal/wire"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

// Anywhere is a free port.
const Anywhere = "127.0.0.1:0"

// Telemetry is what every service has, with its log going nowhere.
func Telemetry(ctx context.Context, name string) (*telemetry.Telemetry, error) {
	return telemetry.New(ctx, telemetry.Config{Service: name, Instance: name, Store: telemetry.NewStore(), LogOutput: io.Discard})
}

// Bare opens a server of one handler: Gin, traces, and nothing else.
func Bare(tel *telemetry.Telemetry, name, path string, handler gin.HandlerFunc) (*serve.Server, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	if err := e.SetTrustedProxies(nil); err != nil { // trusting them costs each request a look at its address
		return nil, err
	}
	e.Use(otelgin.Middleware(name, otelgin.WithTracerProvider(tel.Tracers), otelgin.WithMeterProvider(tel.Meters),
		otelgin.WithPropagators(tel.Propagator)))
	e.GET(path, handler)
	return serve.Listen(serve.Config{
		Addr: Anywhere, AdminAddr: Anywhere, Public: e, Grace: wire.AnswerTimeout, Flush: tel.Shutdown, Logger: tel.Logger,
	})
}

// Listen opens a server.
type Listen func(*telemetry.Telemetry) (*serve.Server, error)

// Running is a server that runs.
type Running struct {
	*serve.Server

	stop  context.CancelFunc
	ended chan error
}

// Start opens a server and runs it until End.
func Start(ctx context.Context, name string, listen Listen) (*Running, error) {
	tel, err := Telemetry(ctx, name)
	if err != nil {
		return nil, err
	}
	s, err := listen(tel)
	if err != nil {
		return nil, err
	}
	// The context outlives ctx: whoever is interrupted still closes what was started.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &Running{Server: s, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- s.Run(running) }()
	return r, nil
}

// End waits for an orderly end.
func (r *Running) End() error {
	r.stop()
	return <-r.ended
}

// Beside runs two servers of one name side by side, with so many clients each, for as long
// as do takes.
func Beside(ctx context.Context, name string, clients int, listen [2]Listen, do func([2][]*wire.Client) error) (err error) {
	var all [2][]*wire.Client
	for i, l := range listen {
		s, failed := Start(ctx, name, l)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, s.End()) }()
		if all[i], err = wire.DialAll(ctx, s.Addr(), clients); err != nil {
			return err
		}
		defer wire.CloseAll(all[i]) // before the server ends
	}
	return do(all)
}

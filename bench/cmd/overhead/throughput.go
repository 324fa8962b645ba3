package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"

	"reliability/internal/problem"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/flaky"
)

const (
	name     = "flaky" // of either server's service and replica
	anywhere = "127.0.0.1:0"
)

func newTelemetry(ctx context.Context) (*telemetry.Telemetry, error) {
	return telemetry.New(ctx, telemetry.Config{Service: name, Instance: name, Store: telemetry.NewStore(), LogOutput: io.Discard})
}

func listenFlaky(tel *telemetry.Telemetry) (*serve.Server, error) {
	service, err := flaky.New(flaky.Config{Addr: anywhere, AdminAddr: anywhere, Name: name, Grace: answerTimeout}, tel)
	if err != nil {
		return nil, err
	}
	return service.Listen(nil)
}

// listenBare opens a server that gives the same answer and nothing else: Gin, and traces.
func listenBare(tel *telemetry.Telemetry) (*serve.Server, error) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	if err := e.SetTrustedProxies(nil); err != nil { // trusting them costs each request a look at its address
		return nil, err
	}
	e.Use(otelgin.Middleware(name, otelgin.WithTracerProvider(tel.Tracers), otelgin.WithMeterProvider(tel.Meters),
		otelgin.WithPropagators(tel.Propagator)))
	body := problem.Encode(struct {
		Work     string `json:"work"`
		ServedBy string `json:"served_by"`
	}{"done", name})
	e.GET("/work", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", body) })
	return serve.Listen(serve.Config{
		Addr: anywhere, AdminAddr: anywhere, Public: e, Grace: answerTimeout, Flush: tel.Shutdown, Logger: tel.Logger,
	})
}

// A target is a running server and its clients.
type target struct {
	clients []*client
	stop    context.CancelFunc
	ended   chan error
}

func start(ctx context.Context, listen func(*telemetry.Telemetry) (*serve.Server, error), clients int) (*target, error) {
	tel, err := newTelemetry(ctx)
	if err != nil {
		return nil, err
	}
	server, err := listen(tel)
	if err != nil {
		return nil, err
	}
	// The context outlives ctx: whoever is interrupted still closes what was started.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &target{stop: stop, ended: make(chan error, 1)}
	go func() { t.ended <- server.Run(running) }()
	for range clients {
		c, err := dial(ctx, server.Addr())
		if err != nil {
			return nil, errors.Join(err, t.end())
		}
		t.clients = append(t.clients, c)
	}
	return t, nil
}

func (t *target) end() error {
	for _, c := range t.clients {
		c.close()
	}
	t.stop()
	return <-t.ended
}

// compare measures flaky beside bare, both in this process.
func (r *report) compare(ctx context.Context) (err error) {
	end := func(t *target) { err = errors.Join(err, t.end()) }
	ours, err := start(ctx, listenFlaky, r.Clients)
	if err != nil {
		return err
	}
	defer end(ours)
	bare, err := start(ctx, listenBare, r.Clients)
	if err != nil {
		return err
	}
	defer end(bare)

	work := request(http.MethodGet, "/work", "")
	mine, err := ours.clients[0].exchange(work)
	if err != nil {
		return err
	}
	theirs, err := bare.clients[0].exchange(work)
	if err != nil {
		return err
	}
	if !bytes.Equal(mine, theirs) {
		return fmt.Errorf("flaky answers %q and bare %q: they do not do the same", mine, theirs)
	}

	var ratios []float64
	for i := range r.Pairs + 1 {
		var p pair
		for _, slice := range []struct {
			of   *target
			into *float64
		}{{ours, &p.flaky[0]}, {bare, &p.bare[0]}, {bare, &p.bare[1]}, {ours, &p.flaky[1]}} {
			if *slice.into, err = load(ctx, slice.of.clients, work, r.Slice); err != nil {
				return err
			}
		}
		if i == 0 {
			continue // to warm up
		}
		ratios = append(ratios, p.ratio())
		r.Flaky = append(r.Flaky, (p.flaky[0]+p.flaky[1])/2)
		r.Bare = append(r.Bare, (p.bare[0]+p.bare[1])/2)
	}
	r.Ratio = estimateOf(ratios)
	return nil
}

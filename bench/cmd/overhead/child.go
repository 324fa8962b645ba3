package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"reliability/bench/internal/process"
	"reliability/bench/internal/server"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

type addresses struct{ Public, Admin string }

// stats are flaky's process's.
type stats struct {
	process.Stats

	Hanging int64 // requests with neither an answer nor an end
}

// beServer is the child's whole life: flaky in a process of its own.
func beServer(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var open openSpans
	s, err := server.Start(ctx, name, func(tel *telemetry.Telemetry) (*serve.Server, error) {
		tel.Tracers.RegisterSpanProcessor(&open)
		return server.Flaky(tel)
	})
	if err != nil {
		return err
	}
	err = process.Serve(stdin, stdout, addresses{s.Addr(), s.AdminAddr()}, func(string) (any, error) {
		return stats{process.TakeStats(), open.Load()}, nil
	})
	return errors.Join(err, s.End())
}

// openSpans counts the spans that have begun and not ended: one for each request.
type openSpans struct{ atomic.Int64 }

func (o *openSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) { o.Add(1) }
func (o *openSpans) OnEnd(sdktrace.ReadOnlySpan)                     { o.Add(-1) }
func (o *openSpans) Shutdown(context.Context) error                  { return nil }
func (o *openSpans) ForceFlush(context.Context) error                { return nil }

// A child is flaky's process, seen from here.
type child struct {
	*process.Child
	addresses
}

func startChild(ctx context.Context, stderr io.Writer) (*child, error) {
	c := &child{}
	var err error
	c.Child, err = process.Start(ctx, stderr, &c.addresses)
	return c, err
}

func (c *child) stats() (s stats, err error) {
	err = c.Ask("stats", &s)
	return s, err
}

// until waits for stats to be as they should be, and returns the last ones.
func (c *child) until(ctx context.Context, done func(stats) bool) (stats, error) {
	return process.Until(ctx, backAfter, c.stats, done)
}

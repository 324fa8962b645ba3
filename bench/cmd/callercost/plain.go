package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	"reliability/bench/internal/server"
	"reliability/bench/internal/wire"
	"reliability/internal/problem"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/caller"
)

// plain is what a service does that protects nothing: it asks the dependency once and
// answers with what came of it.
type plain struct {
	url    string
	client *http.Client
	answer atomic.Pointer[caller.Answer] // what stays the same in each
}

// listen opens it: Gin, traces on both sides, connections as caller has them.
func (p *plain) listen(m mode) server.Listen {
	return func(tel *telemetry.Telemetry) (*serve.Server, error) {
		const many = 1000 // idle connections: more than there are clients
		p.client = &http.Client{Transport: otelhttp.NewTransport(
			&http.Transport{
				DialContext:       (&net.Dialer{Timeout: wire.AnswerTimeout}).DialContext,
				DisableKeepAlives: !m.keep, MaxIdleConns: many, MaxIdleConnsPerHost: many, IdleConnTimeout: time.Minute,
			},
			otelhttp.WithTracerProvider(tel.Tracers), otelhttp.WithMeterProvider(tel.Meters), otelhttp.WithPropagators(tel.Propagator),
		)}
		return server.Bare(tel, "caller", "/call", p.call)
	}
}

func (p *plain) call(c *gin.Context) {
	begin := time.Now()
	ctx := c.Request.Context()
	a := *p.answer.Load()
	attempt := a.Attempts[0]
	var err error
	if attempt.Status, attempt.ServedBy, err = p.ask(ctx); err != nil {
		problem.New(http.StatusBadGateway, err.Error()).Write(c.Writer)
		return
	}
	attempt.DurationMS = float64(time.Since(begin).Microseconds()) / 1000
	a.ElapsedMS, a.Attempts, a.TraceID = attempt.DurationMS, []caller.Attempt{attempt}, trace.SpanContextFromContext(ctx).TraceID().String()
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", a)
}

func (p *plain) ask(ctx context.Context) (status int, servedBy string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.ReadAll(res.Body)
	return res.StatusCode, res.Header.Get("X-Served-By"), err
}

package resilienceotel_test

import (
	"context"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
)

// tooling is what a chain is watched with; zero is nothing.
type tooling struct {
	name     string
	observer bool // told of events
	policies bool // Call and Attempt too
	tracer   trace.Tracer
	meters   metric.MeterProvider
	allocs   float64 // at most, on the happy path
}

// toolings are from nothing to everything. The SDK's numbers are its own, and only shown.
func toolings() []tooling {
	sampled := sdktrace.NewTracerProvider().Tracer("bench")
	unsampled := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("bench")
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	noTracer, noMeters := nooptrace.NewTracerProvider().Tracer("bench"), noopmetric.NewMeterProvider()
	return []tooling{
		{name: "nothing"},
		{name: "observer", observer: true},
		{name: "observer and policies, no providers", observer: true, policies: true},
		{name: "observer, no-op meter", observer: true, meters: noMeters},
		{name: "observer and policies, no-op tracer and meter", observer: true, policies: true, tracer: noTracer, meters: noMeters, allocs: 2},
		{name: "observer and policies, SDK meter", observer: true, policies: true, meters: meters, allocs: 1},
		{name: "observer and policies, SDK, not sampled", observer: true, policies: true, tracer: unsampled, meters: meters, allocs: -1},
		{name: "observer and policies, SDK, sampled", observer: true, policies: true, tracer: sampled, meters: meters, allocs: -1},
	}
}

// chain is retry and breaker, the part of the default order that costs nothing by itself.
func (c tooling) chain(tb testing.TB) resilience.Handler {
	tb.Helper()
	retry, breaker := resilience.RetryConfig{}, resilience.BreakerConfig{}
	var policies []resilience.Policy
	if c.observer {
		o, err := resilienceotel.NewObserver(resilienceotel.Config{Logger: slog.New(slog.DiscardHandler), MeterProvider: c.meters})
		if err != nil {
			tb.Fatal(err)
		}
		retry.Observer, breaker.Observer = o, o
		if c.policies {
			policies = []resilience.Policy{o.Call(c.tracer, "call"), resilience.Retry(retry), o.Attempt()}
		}
	}
	if policies == nil {
		policies = []resilience.Policy{resilience.Retry(retry)}
	}
	b, err := resilience.NewBreaker(breaker)
	if err != nil {
		tb.Fatal(err)
	}
	h, err := resilience.Chain(append(policies, throughBreaker(b))...)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func BenchmarkChain(b *testing.B) {
	for _, c := range toolings() {
		b.Run(c.name, func(b *testing.B) {
			h, ctx := c.chain(b), b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if err := h(ctx, succeed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRejected is a call that an open breaker turns away: there are many of them.
func BenchmarkRejected(b *testing.B) {
	for _, c := range toolings() {
		b.Run(c.name, func(b *testing.B) {
			h, ctx := c.chain(b), b.Context()
			open(ctx, h)
			b.ReportAllocs()
			for b.Loop() {
				_ = h(ctx, succeed)
			}
		})
	}
}

// open opens the chain's breaker.
func open(ctx context.Context, h resilience.Handler) {
	for range 2 { // of four attempts each
		_ = h(ctx, fail)
	}
}

// TestRejectionAllocations: an observer with nobody behind it does not spell out what
// nobody reads. What is left is the give-up event's error, and the queue of the breaker's.
func TestRejectionAllocations(t *testing.T) {
	measure := func(c tooling) float64 {
		h, ctx := c.chain(t), t.Context()
		open(ctx, h)
		return testing.AllocsPerRun(1000, func() { _ = h(ctx, succeed) })
	}
	bare, observed := measure(tooling{}), measure(tooling{observer: true})
	if observed > bare+2 {
		t.Errorf("%v allocations per rejected call, %v without an observer; want at most 2 more", observed, bare)
	}
}

// TestHappyPathAllocations: watching with nobody behind it costs an allocation for the
// call's context and one for the span's.
func TestHappyPathAllocations(t *testing.T) {
	for _, c := range toolings() {
		if c.allocs < 0 {
			continue
		}
		h, ctx := c.chain(t), t.Context()
		if got := testing.AllocsPerRun(1000, func() { _ = h(ctx, succeed) }); got > c.allocs {
			t.Errorf("%s: %v allocations per call; want at most %v", c.name, got, c.allocs)
		}
	}
}

package resilienceotel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
)

// A breaker opens: one line says so, a counter counts it, and a gauge shows it.
func Example() {
	reader := sdkmetric.NewManualReader()
	observer, err := resilienceotel.NewObserver(resilienceotel.Config{
		Logger: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Value.Kind() == slog.KindTime { // another one each time
					return slog.Attr{}
				}
				return a
			},
		})),
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Name: "payments", Failures: 2, Observer: observer})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer observer.WatchBreaker(breaker)()
	handler, err := resilience.Chain(
		observer.Call(sdktrace.NewTracerProvider().Tracer("example"), "charge"),
		resilience.Retry(resilience.RetryConfig{Base: 1, Observer: observer}),
		observer.Attempt(),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}

	_ = handler(context.Background(), func(context.Context) error { return errors.New("connection refused") })

	var read metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &read); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range read.ScopeMetrics[0].Metrics {
		if m.Name != "reliability.breaker.state" {
			continue
		}
		for _, p := range m.Data.(metricdata.Gauge[int64]).DataPoints {
			if p.Value == 1 {
				fmt.Println(m.Name, p.Attributes.Encoded(attribute.DefaultEncoder()))
			}
		}
	}
	// Output:
	// level=WARN msg="circuit breaker open" breaker=payments from=closed to=open reason="2 of 2 failures in a row" failures=2 last_error="connection refused"
	// reliability.breaker.state reliability.breaker.name=payments,reliability.breaker.state=open
}

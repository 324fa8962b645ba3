package resilienceotel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
)

var errBoom = errors.New("boom")

func succeed(context.Context) error { return nil }
func fail(context.Context) error    { return errBoom }

// hang waits for the end of its context.
func hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// failing fails n times, then succeeds.
func failing(n int) resilience.Op {
	return func(context.Context) error {
		if n--; n >= 0 {
			return errBoom
		}
		return nil
	}
}

// watched is an observer with everything that it writes to.
type watched struct {
	*testing.T
	*resilienceotel.Observer
	tracer trace.Tracer
	spans  *tracetest.SpanRecorder
	reader *sdkmetric.ManualReader
	log    *bytes.Buffer
}

func watch(t *testing.T, attrs ...attribute.KeyValue) *watched {
	t.Helper()
	w := &watched{T: t, spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader(), log: &bytes.Buffer{}}
	w.tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.spans)).Tracer("test")
	var err error
	w.Observer, err = resilienceotel.NewObserver(resilienceotel.Config{
		Logger: slog.New(slog.NewJSONHandler(w.log, nil)), Attributes: attrs,
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(w.reader)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watched) chain(policies ...resilience.Policy) resilience.Handler {
	w.Helper()
	h, err := resilience.Chain(policies...)
	if err != nil {
		w.Fatal(err)
	}
	return h
}

func (w *watched) breaker(cfg resilience.BreakerConfig) resilience.Breaker {
	w.Helper()
	cfg.Name, cfg.Observer = "dep", w.Observer
	b, err := resilience.NewBreaker(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return b
}

func throughBreaker(b resilience.Breaker) resilience.Policy {
	return resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})
}

// retry waits 100, 200, … ms.
func (w *watched) retry(attempts int) resilience.Policy {
	return resilience.Retry(resilience.RetryConfig{
		MaxAttempts: attempts, Base: 100 * time.Millisecond, Jitter: resilience.JitterNone, Observer: w.Observer,
	})
}

func (w *watched) timeout(limit time.Duration) resilience.Policy {
	return resilience.Timeout(resilience.TimeoutConfig{Limit: limit, Observer: w.Observer})
}

// last is the span that ended last, and its attributes.
func (w *watched) last() (sdktrace.ReadOnlySpan, map[attribute.Key]string) {
	w.Helper()
	all := w.spans.Ended()
	if len(all) == 0 {
		w.Fatal("no span has ended")
	}
	s := all[len(all)-1]
	return s, attributes(s.Attributes())
}

func attributes(list []attribute.KeyValue) map[attribute.Key]string {
	m := map[attribute.Key]string{}
	for _, a := range list {
		m[a.Key] = a.Value.String()
	}
	return m
}

// lines are the log's, without what every line has, and empty it.
func (w *watched) lines() []map[string]any {
	w.Helper()
	var all []map[string]any
	for d := json.NewDecoder(w.log); d.More(); {
		line := map[string]any{}
		if err := d.Decode(&line); err != nil {
			w.Fatal(err)
		}
		delete(line, "time")
		all = append(all, line)
	}
	w.log.Reset()
	return all
}

// metrics reads everything, as "name{attributes}" → value; a histogram's is "count sum".
func (w *watched) metrics() map[string]string {
	w.Helper()
	found := map[string]string{}
	for _, m := range w.collect() {
		add := func(attrs attribute.Set, value any) {
			found[m.Name+"{"+attrs.Encoded(attribute.DefaultEncoder())+"}"] = fmt.Sprint(value)
		}
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, fmt.Sprintf("%d %.6g", p.Count, p.Sum))
			}
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, p.Value)
			}
		case metricdata.Gauge[int64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, p.Value)
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, p.Value)
			}
		default:
			w.Fatalf("%s: %T", m.Name, data)
		}
	}
	return found
}

func (w *watched) collect() []metricdata.Metrics {
	w.Helper()
	var all metricdata.ResourceMetrics
	if err := w.reader.Collect(context.Background(), &all); err != nil {
		w.Fatal(err)
	}
	var found []metricdata.Metrics
	for _, scope := range all.ScopeMetrics {
		found = append(found, scope.Metrics...)
	}
	return found
}

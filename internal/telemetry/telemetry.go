// Package telemetry sets up OpenTelemetry and slog for one service. Nothing of it is
// global: two services in one process keep their own providers.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	promclient "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Config says which service this is and where its telemetry goes.
type Config struct {
	// Service is its name; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override and
	// add to it.
	Service string
	// Instance tells its replicas apart.
	Instance string
	// Export also sends spans where the standard OTEL_* variables say.
	Export bool
	// Store keeps the latest traces in memory, with what was logged in them. Services of one process may share it.
	Store *Store
	// LogOutput takes one JSON object a line. LogLevel is the least that is written.
	LogOutput io.Writer
	LogLevel  slog.Leveler
}

// maxAttribute bounds an attribute's text where OTEL_* does not: clients choose some of
// them, such as the user agent, and spans stay in memory.
const maxAttribute = 1024

// Telemetry is one service's logger, providers and metrics page.
type Telemetry struct {
	Logger     *slog.Logger
	Tracers    *sdktrace.TracerProvider
	Meters     *sdkmetric.MeterProvider
	Propagator propagation.TextMapPropagator
	Store      *Store
	Metrics    http.Handler // in OpenMetrics or the Prometheus text format
}

// New sets all up. Shutdown must be called at the end.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName(cfg.Service), semconv.ServiceInstanceID(cfg.Instance)),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("telemetry: OTEL_RESOURCE_ATTRIBUTES or OTEL_SERVICE_NAME: %w", err)
	}
	limits := sdktrace.NewSpanLimits() // as OTEL_* says
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxAttribute
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithResource(res),
		sdktrace.WithSpanProcessor(cfg.Store),
	}
	if cfg.Export {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("telemetry: OTEL_TRACES_EXPORTER or OTEL_EXPORTER_OTLP_*: %w", err)
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	service := cfg.Service
	if named, ok := res.Set().Value(semconv.ServiceNameKey); ok {
		service = named.AsString() // as its spans have it
	}
	lines := slog.NewJSONHandler(cfg.LogOutput, &slog.HandlerOptions{Level: cfg.LogLevel}).WithAttrs([]slog.Attr{slog.String("service", cfg.Service)})
	registry := promclient.NewRegistry()
	reader, err := prometheus.New(prometheus.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("telemetry: metrics: %w", err)
	}
	return &Telemetry{
		Logger:     slog.New(&traceHandler{Handler: lines, store: cfg.Store, service: service}),
		Tracers:    sdktrace.NewTracerProvider(options...),
		Meters:     sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(reader), sdkmetric.WithView(withoutPort)),
		Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		Store:      cfg.Store,
		Metrics:    promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}),
	}, nil
}

// withoutPort keeps clients from making series: the port of a server's metrics is what they
// put into the header Host.
func withoutPort(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	return sdkmetric.Stream{
		Name: i.Name, Description: i.Description, Unit: i.Unit,
		AttributeFilter: attribute.NewDenyKeysFilter(semconv.ServerPortKey),
	}, strings.HasPrefix(i.Name, "http.server.")
}

// Shutdown sends what is still held back and ends the providers. It is the last step of
// a service's life, so that the spans of its last calls are not lost.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	return errors.Join(t.Meters.Shutdown(ctx), t.Tracers.Shutdown(ctx))
}

// LogErrors makes a logger the place where OpenTelemetry complains of what it cannot do,
// such as sending spans. There is one such place in a process, so it is for main.
func LogErrors(logger *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.Warn("telemetry", "error", err.Error())
	}))
}

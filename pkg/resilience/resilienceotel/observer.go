package resilienceotel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// Config configures an [Observer]. The zero value is usable: it logs and measures nothing.
type Config struct {
	// Logger takes one line for each transition, each time a breaker would have opened, and
	// each change of mode. Nil: slog.Default().
	Logger *slog.Logger
	// MeterProvider makes the instruments. Nil: nothing is measured, and the policies that
	// would cost nothing.
	MeterProvider metric.MeterProvider
	// Attributes are put on every measurement, to tell observers of one process apart, such
	// as two engines side by side. Few, and of few values.
	Attributes []attribute.KeyValue
}

// An Observer is a [resilience.Observer] that writes decisions as events of the current
// span, counts them, and logs what becomes of breakers. One serves any number of chains
// and breakers. It is safe for concurrent use.
type Observer struct {
	logger  *slog.Logger
	metrics *metrics // nil: nothing is measured

	mu     sync.Mutex                   // protects opened
	opened map[string]trace.SpanContext // by breaker: whose failure opened it
}

// NewObserver returns an observer. The error is that of an instrument that could not be
// made. Close ends its measurements.
func NewObserver(cfg Config) (*Observer, error) {
	o := &Observer{logger: cfg.Logger, opened: map[string]trace.SpanContext{}}
	if o.logger == nil {
		o.logger = slog.Default()
	}
	if cfg.MeterProvider != nil {
		var err error
		if o.metrics, err = newMetrics(cfg.MeterProvider, cfg.Attributes); err != nil {
			return nil, fmt.Errorf("resilienceotel: new observer: %w", err)
		}
	}
	return o, nil
}

// Close ends the observation of what [Observer.WatchBreaker] and its like, and
// [Observer.Call], began. Events are still taken.
func (o *Observer) Close() error {
	if o.metrics == nil {
		return nil
	}
	return o.metrics.registration.Unregister()
}

// Observe implements [resilience.Observer].
func (o *Observer) Observe(ctx context.Context, e resilience.Event) {
	if e.Kind == resilience.EventAttempt { // the only one on the happy path
		if c := callOf(ctx); c != nil {
			c.attempts.Store(int64(e.Attempt))
		}
		return
	}
	if o.metrics != nil {
		o.metrics.count(ctx, e)
	}
	span := trace.SpanFromContext(ctx)
	switch e.Kind {
	case resilience.EventTransition:
		o.rememberOpener(span, e.Transition)
		o.logTransition(ctx, e.Transition)
	case resilience.EventWouldOpen:
		o.logWouldOpen(ctx, e.Transition)
	case resilience.EventMode:
		o.logMode(ctx, e)
	case resilience.EventFallback:
		if c := callOf(ctx); c != nil {
			c.answered.Store(true)
		}
	}
	if span.IsRecording() { // or nothing of it need be put together
		o.addEvent(span, e)
	}
}

// rejection says why a call was turned away, in words of which there are few, and by whom.
func rejection(e resilience.Event) (reason string, who attribute.KeyValue) {
	if _, ok := errors.AsType[*resilience.RateLimitError](e.Err); ok {
		return "rate limit", LimiterKey.String(e.Name)
	}
	if full, ok := errors.AsType[*resilience.BulkheadError](e.Err); ok {
		return "bulkhead " + string(full.Reason), BulkheadKey.String(e.Name)
	}
	if open, ok := errors.AsType[*resilience.OpenError](e.Err); ok {
		return "breaker " + open.State.String(), BreakerKey.String(e.Name)
	}
	return "other", BreakerKey.String(e.Name)
}

// rememberOpener notes also that there is no span: whoever opened the breaker before did
// not do it now.
func (o *Observer) rememberOpener(span trace.Span, t resilience.Transition) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch t.To {
	case resilience.Open:
		o.opened[t.Breaker] = span.SpanContext()
	case resilience.Closed:
		delete(o.opened, t.Breaker) // names may come and go
	}
}

func (o *Observer) linkToOpener(span trace.Span, e resilience.Event) {
	if _, ok := errors.AsType[*resilience.OpenError](e.Err); !ok {
		return
	}
	o.mu.Lock()
	opener := o.opened[e.Name]
	o.mu.Unlock()
	if opener.IsValid() && opener.TraceID() != span.SpanContext().TraceID() { // a call needs no link to itself
		span.AddLink(trace.Link{SpanContext: opener, Attributes: []attribute.KeyValue{LinkKey.String("opened the breaker")}})
	}
}

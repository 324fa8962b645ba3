// Package resilienceotel shows what package resilience decides: as spans, span events
// and log lines.
//
// One logical call is one INTERNAL span, made by [Trace]; the spans of its attempts are
// its children, made by whoever sends them. Decisions are events of the span they
// happened in. A call that a retry saved leaves its span's status unset: errors that
// were handled are not the operation's. A call turned away is linked to the trace that
// opened the breaker.
package resilienceotel

import (
	"context"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// Names of the attributes on spans, events and links.
const (
	AttemptKey  = attribute.Key("reliability.attempt")
	DelayKey    = attribute.Key("reliability.retry.delay")   // seconds
	LimitKey    = attribute.Key("reliability.timeout.limit") // seconds
	ReasonKey   = attribute.Key("reliability.reason")
	BreakerKey  = attribute.Key("reliability.breaker.name")
	FromKey     = attribute.Key("reliability.breaker.from")
	ToKey       = attribute.Key("reliability.breaker.to")
	FailuresKey = attribute.Key("reliability.breaker.failures")
	LinkKey     = attribute.Key("reliability.link") // "opened the breaker"
)

// Trace is a policy that puts a span around what is inside it. Let it stand outermost.
func Trace(tracer trace.Tracer, name string) resilience.Policy {
	return resilience.Custom("trace", func(next resilience.Handler) resilience.Handler {
		return func(ctx context.Context, op resilience.Op) error {
			ctx, span := tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindInternal))
			defer span.End()
			err := next(ctx, op)
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			}
			return err
		}
	})
}

// NewObserver returns an observer that writes decisions as events of the current span,
// and each transition of a breaker as one log line with the counts behind it.
// It is safe for concurrent use. A nil logger is slog's default.
func NewObserver(logger *slog.Logger) resilience.Observer {
	if logger == nil {
		logger = slog.Default()
	}
	return &observer{logger: logger, opened: map[string]trace.SpanContext{}}
}

type observer struct {
	logger *slog.Logger

	mu     sync.Mutex                   // protects opened
	opened map[string]trace.SpanContext // by breaker: who opened it last
}

func (o *observer) Observe(ctx context.Context, e resilience.Event) {
	span := trace.SpanFromContext(ctx)
	switch e.Kind {
	case resilience.EventRetry:
		span.AddEvent("retry", trace.WithAttributes(
			AttemptKey.Int(e.Attempt), DelayKey.Float64(e.Delay.Seconds()), ReasonKey.String(e.Err.Error())))
	case resilience.EventGiveUp:
		span.AddEvent("give up", trace.WithAttributes(AttemptKey.Int(e.Attempt), ReasonKey.String(string(e.Reason))))
	case resilience.EventTimeout:
		span.AddEvent("timeout", trace.WithAttributes(LimitKey.Float64(e.Delay.Seconds())))
	case resilience.EventRejected:
		span.AddEvent("rejected", trace.WithAttributes(BreakerKey.String(e.Name), ReasonKey.String(e.Err.Error())))
		if opener := o.opener(e.Name); opener.IsValid() {
			span.AddLink(trace.Link{SpanContext: opener, Attributes: []attribute.KeyValue{LinkKey.String("opened the breaker")}})
		}
	case resilience.EventTransition:
		o.transition(ctx, span, e.Transition)
	case resilience.EventLeaseExpired:
		span.AddEvent("probe lease expired", trace.WithAttributes(BreakerKey.String(e.Name)))
	}
}

func (o *observer) opener(breaker string) trace.SpanContext {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.opened[breaker]
}

func (o *observer) transition(ctx context.Context, span trace.Span, t resilience.Transition) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("breaker", t.Breaker), slog.String("from", t.From.String()), slog.String("to", t.To.String()),
		slog.String("reason", t.Reason),
	}
	if t.To == resilience.Open {
		level = slog.LevelWarn
		o.mu.Lock()
		o.opened[t.Breaker] = span.SpanContext()
		o.mu.Unlock()
		attrs = append(attrs, slog.Int("failures", t.Failures), slog.Time("until", t.Until))
	}
	if t.Err != nil {
		attrs = append(attrs, slog.String("last_error", t.Err.Error()))
	}
	o.logger.LogAttrs(ctx, level, "circuit breaker "+t.To.String(), attrs...)
	span.AddEvent("circuit breaker "+t.To.String(), trace.WithAttributes(
		BreakerKey.String(t.Breaker), FromKey.String(t.From.String()), ToKey.String(t.To.String()),
		ReasonKey.String(t.Reason), FailuresKey.Int(t.Failures)))
}

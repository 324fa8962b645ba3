package telemetry

import (
	"cmp"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// A Span is one span of a trace, as the page and the API show it.
type Span struct {
	SpanID     string         `json:"span_id"`
	ParentID   string         `json:"parent_id,omitempty"`
	Service    string         `json:"service"`
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	Start      time.Time      `json:"start"`
	DurationMS float64        `json:"duration_ms"`
	Error      string         `json:"error,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Events     []SpanEvent    `json:"events,omitempty"`
	Links      []SpanLink     `json:"links,omitempty"`
}

// A SpanEvent is something that happened within a span.
type SpanEvent struct {
	Name       string         `json:"name"`
	Time       time.Time      `json:"time"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// A SpanLink leads to a span of another trace.
type SpanLink struct {
	TraceID    string         `json:"trace_id"`
	SpanID     string         `json:"span_id"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

func convert(span sdktrace.ReadOnlySpan) Span {
	out := Span{
		SpanID:     span.SpanContext().SpanID().String(),
		Name:       span.Name(),
		Kind:       span.SpanKind().String(),
		Start:      span.StartTime(),
		DurationMS: float64(span.EndTime().Sub(span.StartTime())) / float64(time.Millisecond),
		Attributes: attributes(span.Attributes()),
	}
	if parent := span.Parent(); parent.IsValid() {
		out.ParentID = parent.SpanID().String()
	}
	if service, ok := span.Resource().Set().Value(semconv.ServiceNameKey); ok {
		out.Service = service.AsString()
	}
	if span.Status().Code == codes.Error {
		out.Error = cmp.Or(span.Status().Description, "error")
	}
	for _, e := range span.Events() {
		out.Events = append(out.Events, SpanEvent{Name: e.Name, Time: e.Time, Attributes: attributes(e.Attributes)})
	}
	for _, l := range span.Links() {
		out.Links = append(out.Links, SpanLink{
			TraceID: l.SpanContext.TraceID().String(), SpanID: l.SpanContext.SpanID().String(),
			Attributes: attributes(l.Attributes),
		})
	}
	return out
}

func attributes(list []attribute.KeyValue) map[string]any {
	m := make(map[string]any, len(list))
	for _, kv := range list {
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

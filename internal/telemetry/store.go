package telemetry

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Store keeps the spans of the latest traces in memory, so that a trace can be looked at
// without any other program. It is a span processor, and safe for concurrent use. The
// oldest trace makes room for a new one; a trace that grows past its bound stops growing.
type Store struct {
	mu     sync.Mutex // protects what follows
	traces map[trace.TraceID][]sdktrace.ReadOnlySpan
	order  []trace.TraceID // oldest first
	total  int             // spans of all traces
}

// Bounds of a Store.
const (
	maxTraces = 1000
	maxSpans  = 256   // of one trace
	maxTotal  = 10000 // of all
)

// NewStore returns an empty Store.
func NewStore() *Store {
	return &Store{traces: map[trace.TraceID][]sdktrace.ReadOnlySpan{}}
}

// OnStart implements [sdktrace.SpanProcessor].
func (s *Store) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd keeps an ended span. It is not converted before somebody looks at it.
func (s *Store) OnEnd(span sdktrace.ReadOnlySpan) {
	id := span.SpanContext().TraceID()
	s.mu.Lock()
	defer s.mu.Unlock()
	spans, known := s.traces[id]
	if !known {
		if len(s.order) >= maxTraces {
			s.forgetOldestLocked()
		}
		s.order = append(s.order, id)
	}
	if len(spans) < maxSpans {
		s.traces[id] = append(spans, span)
		s.total++
	}
	for s.total > maxTotal {
		s.forgetOldestLocked()
	}
}

func (s *Store) forgetOldestLocked() {
	oldest := s.order[0]
	s.total -= len(s.traces[oldest])
	delete(s.traces, oldest)
	s.order = s.order[1:]
}

// Shutdown implements [sdktrace.SpanProcessor].
func (s *Store) Shutdown(context.Context) error { return nil }

// ForceFlush implements [sdktrace.SpanProcessor].
func (s *Store) ForceFlush(context.Context) error { return nil }

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

// Trace returns the ended spans of a trace, by their start, and whether there are any.
func (s *Store) Trace(id trace.TraceID) ([]Span, bool) {
	s.mu.Lock()
	kept := slices.Clone(s.traces[id])
	s.mu.Unlock()
	spans := make([]Span, 0, len(kept))
	for _, span := range kept {
		spans = append(spans, convert(span))
	}
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ParentID, b.ParentID))
	})
	return spans, len(spans) > 0
}

// Recent returns the ids of up to n traces, the latest first.
func (s *Store) Recent(n int) []trace.TraceID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := slices.Clone(s.order[max(0, len(s.order)-n):])
	slices.Reverse(ids)
	return ids
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

package telemetry_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/telemetry"
)

// spans ends n spans of the trace with this number.
func spans(s *telemetry.Store, number uint64, n int) trace.TraceID {
	var id trace.TraceID
	binary.BigEndian.PutUint64(id[8:], number)
	for i := range n {
		var span trace.SpanID
		binary.BigEndian.PutUint64(span[:], uint64(i)+1)
		s.OnEnd(tracetest.SpanStub{
			Name:        "span",
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span}),
		}.Snapshot())
	}
	return id
}

func kept(s *telemetry.Store, id trace.TraceID) int {
	found, _ := s.Trace(id)
	return len(found)
}

func TestStoreIsBounded(t *testing.T) {
	s := telemetry.NewStore()
	first := spans(s, 1, 300)
	if got := kept(s, first); got != 256 {
		t.Errorf("%d spans of one trace are kept; want 256", got)
	}
	for number := range uint64(999) {
		spans(s, number+2, 1)
	}
	if kept(s, first) != 256 {
		t.Error("the first of 1000 traces is gone")
	}
	spans(s, 1001, 1)
	if got := kept(s, first); got != 0 || len(s.Recent(2000)) != 1000 {
		t.Errorf("of 1001 traces %d are kept, of the first %d spans", len(s.Recent(2000)), got)
	}
	for number := range uint64(60) {
		spans(s, 2000+number, 256)
	}
	total := 0
	for _, id := range s.Recent(2000) {
		total += kept(s, id)
	}
	if total > 10000 || total < 10000-256 {
		t.Errorf("%d spans are kept; want 10000, or up to a trace less", total)
	}
	if latest := s.Recent(1); len(latest) != 1 || kept(s, latest[0]) != 256 {
		t.Errorf("the latest trace is not whole: %v", latest)
	}
}

func TestAttributesAreBounded(t *testing.T) {
	store := telemetry.NewStore()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "s", Store: store, LogOutput: &strings.Builder{}})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "long", trace.WithAttributes(attribute.String("user_agent", strings.Repeat("x", 60000))))
	span.End()
	found, ok := store.Trace(span.SpanContext().TraceID())
	if !ok || len(found) != 1 || len(found[0].Attributes["user_agent"].(string)) != 1024 {
		t.Errorf("kept %.200v", found)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	var _ sdktrace.SpanProcessor = store
}

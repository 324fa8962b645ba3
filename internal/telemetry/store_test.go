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

func traceID(number uint64) (id trace.TraceID) {
	binary.BigEndian.PutUint64(id[8:], number)
	return id
}

// spans ends n spans of the trace with this number.
func spans(s *telemetry.Store, number uint64, n int) trace.TraceID {
	id := traceID(number)
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

// TestKeptTracesOutliveOthers, whether their spans end before or after Keep.
func TestKeptTracesOutliveOthers(t *testing.T) {
	s := telemetry.NewStore()
	ordinary, before := spans(s, 1, 3), spans(s, 2, 3)
	s.Keep(before)
	after := traceID(3)
	s.Keep(after)
	if ids := s.Recent(10); len(ids) != 2 {
		t.Errorf("a trace without spans is listed: %v", ids)
	}
	spans(s, 3, 2)
	for number := range uint64(1000) {
		spans(s, 1000+number, 1)
	}
	spans(s, 3, 1) // late
	if kept(s, ordinary) != 0 || kept(s, before) != 3 || kept(s, after) != 3 {
		t.Errorf("%d, %d and %d spans; want 0, 3 and 3", kept(s, ordinary), kept(s, before), kept(s, after))
	}
	if ids := s.Recent(2000); len(ids) != 1002 || ids[1000] != after || ids[1001] != before {
		t.Errorf("%d are listed, the last are %v", len(ids), ids[len(ids)-2:])
	}
	for number := range uint64(60) { // not the number of traces, but of their spans
		spans(s, 5000+number, 256)
	}
	if kept(s, before) != 3 || kept(s, after) != 3 {
		t.Errorf("%d and %d spans after large traces; want 3", kept(s, before), kept(s, after))
	}
}

// TestKeptTracesAreBounded: the one that was kept first makes room, and is then as any other.
func TestKeptTracesAreBounded(t *testing.T) {
	s := telemetry.NewStore()
	var all []trace.TraceID
	for number := range uint64(101) {
		all = append(all, spans(s, number+1, 1))
	}
	for _, id := range all[:100] {
		s.Keep(id)
	}
	for number := range uint64(1000) {
		spans(s, 1000+number, 1)
	}
	s.Keep(all[0]) // again: it is the latest now
	late := spans(s, 3000, 1)
	s.Keep(late)
	for i, id := range all {
		if want := i != 1 && i != 100; (kept(s, id) == 1) != want {
			t.Errorf("trace %d is there: %v; want %v", i, !want, want)
		}
	}
	for number := range uint64(100) {
		s.Keep(spans(s, 4000+number, 1))
	}
	if kept(s, all[0]) != 0 || kept(s, late) != 1 || len(s.Recent(3000)) != 1000 {
		t.Errorf("%d and %d spans, %d traces", kept(s, all[0]), kept(s, late), len(s.Recent(3000)))
	}
	for number := range uint64(1000) {
		spans(s, 5000+number, 1)
	}
	if kept(s, late) != 0 {
		t.Error("a trace that had made room has outlived a thousand others")
	}
}

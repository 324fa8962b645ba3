package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/telemetry"
)

func newTelemetry(t *testing.T, service string, store *telemetry.Store, out io.Writer) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: service, Store: store, LogOutput: out})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return tel
}

// logsOf returns them as JSON would have them, without what is different each time.
func logsOf(t *testing.T, s *telemetry.Store, span trace.Span) (list []map[string]any) {
	t.Helper()
	text, err := json.Marshal(s.Logs(span.SpanContext().TraceID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if at, err := time.Parse(time.RFC3339Nano, l["time"].(string)); err != nil || time.Since(at) > time.Minute || len(l["span_id"].(string)) != 16 {
			t.Errorf("%v: %v", l, err)
		}
		delete(l, "time")
		delete(l, "span_id")
	}
	return list
}

type valuer struct{ n *int }

func (v valuer) LogValue() slog.Value { return slog.GroupValue(slog.Int("n", *v.n)) }

// TestLogsOfATrace are as slog's own handler writes them, whichever service did.
func TestLogsOfATrace(t *testing.T) {
	store := telemetry.NewStore()
	var lines bytes.Buffer
	one, two := newTelemetry(t, "one", store, &lines), newTelemetry(t, "two", store, io.Discard)
	ctx, span := one.Tracers.Tracer("test").Start(t.Context(), "span")
	_, other := one.Tracers.Tracer("test").Start(t.Context(), "other")
	one.Logger.Info("of no trace")
	one.Logger.DebugContext(ctx, "not enabled")

	n := 1
	changing := map[string]int{"n": 1}
	logger := one.Logger.With("with", 1).WithGroup("g").With("in", valuer{&n}).WithGroup("h").WithGroup("")
	logger.LogAttrs(ctx, slog.LevelInfo, "all kinds", slog.String("text", "x"), slog.Int("int", 1), slog.Float64("float", 0.5), slog.Bool("bool", true),
		slog.Any("any", changing), slog.Any("error", errors.New("odd")), slog.Any("none", nil), slog.Any("valuer", valuer{&n}), slog.Attr{},
		slog.Group("", "inline", 1), slog.Group("empty"), slog.Group("deep", slog.Group("er", "x", 1), slog.Group("empty")))
	n, changing["n"] = 2, 2 // nobody looked yet
	logger.WarnContext(ctx, "empty group")
	two.Logger.ErrorContext(ctx, "of the other", "took", 1500*time.Millisecond, "at", time.Unix(0, 0).UTC())
	span.End()
	other.End()

	deep := map[string]any{
		"text": "x", "int": 1., "float": 0.5, "bool": true, "any": map[string]any{"n": 1.}, "error": "odd", "none": nil,
		"valuer": map[string]any{"n": 1.}, "inline": 1., "deep": map[string]any{"er": map[string]any{"x": 1.}},
	}
	in := map[string]any{"n": 1.}
	want := []map[string]any{
		{"level": "INFO", "service": "one", "message": "all kinds", "attributes": map[string]any{"with": 1., "g": map[string]any{"in": in, "h": deep}}},
		{"level": "WARN", "service": "one", "message": "empty group", "attributes": map[string]any{"with": 1., "g": map[string]any{"in": in}}},
		{"level": "ERROR", "service": "two", "message": "of the other", "attributes": map[string]any{"took": "1.5s", "at": "1970-01-01T00:00:00Z"}},
	}
	if diff := cmp.Diff(want, logsOf(t, store, span)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if logs := store.Logs(other.SpanContext().TraceID()); logs == nil || len(logs) != 0 {
		t.Errorf("of another trace %v", logs)
	}

	// The line says the same; a trace id is written into the open group, as slog has it.
	var line struct {
		Service string
		With    int
		G       struct{ H map[string]any }
	}
	second := strings.Split(lines.String(), "\n")[1]
	if err := json.Unmarshal([]byte(second), &line); err != nil {
		t.Fatal(err)
	}
	delete(line.G.H, "trace_id")
	delete(line.G.H, "span_id")
	if diff := cmp.Diff(deep, line.G.H); diff != "" || line.Service != "one" || line.With != 1 {
		t.Errorf("%s\n-want +line:\n%s", second, diff)
	}
}

// TestValuesThatAreNoJSON, or too large, or panic.
func TestValuesThatAreNoJSON(t *testing.T) {
	store := telemetry.NewStore()
	tel := newTelemetry(t, "s", store, io.Discard)
	ctx, span := tel.Tracers.Tracer("test").Start(t.Context(), "span")
	var null *time.Time
	tel.Logger.InfoContext(ctx, strings.Repeat("m", 5000), "nan", math.NaN(), "func", func() {}, "text", strings.Repeat("é", 5000),
		"json", []string{strings.Repeat("x", 5000)}, "null", null, "error", (*json.SyntaxError)(nil))
	span.End()
	got := logsOf(t, store, span)[0]
	attributes := got["attributes"].(map[string]any)
	for name, want := range map[string]string{"nan": "NaN", "func": "!ERROR:", "text": "éé", "json": `["xx`, "error": "!PANIC: "} {
		if text, ok := attributes[name].(string); !ok || !strings.HasPrefix(text, want) || len(text) > 2048 {
			t.Errorf("%s: %.100v", name, attributes[name])
		}
	}
	if message := got["message"].(string); len(message) != 2048 {
		t.Errorf("a message of %d bytes", len(message))
	}
}

// TestWhatIsNotWrittenCostsNothing: nothing is made of it, and nothing kept.
func TestWhatIsNotWrittenCostsNothing(t *testing.T) {
	store := telemetry.NewStore()
	tel := newTelemetry(t, "s", store, io.Discard)
	ctx, span := tel.Tracers.Tracer("test").Start(t.Context(), "span")
	defer span.End()
	if got := testing.AllocsPerRun(100, func() { tel.Logger.LogAttrs(ctx, slog.LevelDebug, "m", slog.Int("n", 1)) }); got != 0 {
		t.Errorf("%v allocations of a record that is not enabled", got)
	}
	dropped := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID(1), SpanID: trace.SpanID{1}}))
	tel.Logger.InfoContext(dropped, "of a trace that is not sampled")
	if logs := append(store.Logs(span.SpanContext().TraceID()), store.Logs(traceID(1))...); len(logs) != 0 {
		t.Errorf("kept %v", logs)
	}
}

// TestLogsAreBounded, and go with their trace.
func TestLogsAreBounded(t *testing.T) {
	store := telemetry.NewStore()
	tel := newTelemetry(t, "s", store, io.Discard)
	write := func(number uint64, n int) trace.TraceID {
		id := traceID(number)
		ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled}))
		for i := range n {
			tel.Logger.InfoContext(ctx, fmt.Sprint(i))
		}
		return id
	}
	first, second := write(1, 101), write(2, 1)
	store.Keep(second)
	if logs := store.Logs(first); len(logs) != 100 || logs[99].Message != "99" {
		t.Errorf("%d of one trace", len(logs))
	}
	for number := range uint64(49) {
		write(number+3, 100)
	}
	if n := len(store.Logs(first)); n != 0 {
		t.Errorf("%d of the oldest of 5001", n)
	}
	if a, b := len(store.Logs(second)), len(store.Logs(traceID(3))); a != 1 || b != 100 {
		t.Errorf("of the trace that is kept %d, of the third one %d", a, b)
	}
	for number := range uint64(1000) {
		spans(store, 100+number, 1)
	}
	if a, b := len(store.Logs(second)), len(store.Logs(traceID(3))); a != 1 || b != 0 {
		t.Errorf("after a thousand traces: of the one that is kept %d, of the third one %d", a, b)
	}
}

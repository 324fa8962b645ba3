package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// traceHandler adds trace_id and span_id of the context to each record, so that a log
// line leads to its trace and back, and gives the record to the store of traces.
type traceHandler struct {
	slog.Handler
	store   *Store
	service string
	scope   *scope // nil: none
}

func (h *traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		if sc.IsSampled() { // or there will be no trace
			h.store.log(sc.TraceID(), newRecord(h.service, sc.SpanID(), h.scope, r))
		}
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h *traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &traceHandler{h.Handler.WithAttrs(attrs), h.store, h.service, &scope{outer: h.scope, attrs: frozen(attrs)}}
}

func (h *traceHandler) WithGroup(name string) slog.Handler {
	if name == "" { // as slog.Handler has it
		return h
	}
	return &traceHandler{h.Handler.WithGroup(name), h.store, h.service, &scope{outer: h.scope, group: name}}
}

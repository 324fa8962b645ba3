package telemetry

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A Log is a log record of a trace, as the page and the API show it.
type Log struct {
	Time       time.Time      `json:"time"`
	Level      string         `json:"level"` // DEBUG, INFO, WARN or ERROR
	Service    string         `json:"service"`
	Message    string         `json:"message"`
	SpanID     string         `json:"span_id"`              // in which it was written
	Attributes map[string]any `json:"attributes,omitempty"` // a group is an object
}

// maxLogText bounds a message, and a value, of the records in memory.
const maxLogText = 2048

// A record is a log record in memory. Nothing of it changes any more.
type record struct {
	time    time.Time
	level   slog.Level
	service string
	message string
	span    trace.SpanID
	scope   *scope
	attrs   []slog.Attr
}

// A scope is what a logger has that was made by With or WithGroup.
type scope struct {
	outer *scope
	group string // "": attrs
	attrs []slog.Attr
}

func newRecord(service string, span trace.SpanID, in *scope, r slog.Record) record {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	return record{time: r.Time, level: r.Level, service: service, message: bounded(r.Message), span: span, scope: in, attrs: frozen(attrs)}
}

// frozen leaves out what is empty, as slog.Handler has it.
func frozen(attrs []slog.Attr) []slog.Attr {
	list := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		if !a.Equal(slog.Attr{}) {
			list = append(list, slog.Attr{Key: a.Key, Value: freeze(a.Value)})
		}
	}
	return list
}

// freeze returns a value that stays as it is and is not large: whoever wrote it may change
// what it points to, and must be able to let go of it.
func freeze(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(bounded(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(frozen(v.Group())...)
	case slog.KindAny:
		return freezeAny(v.Any())
	}
	return v
}

// freezeAny is a text for an error, and JSON for anything else, as slog's own handler has it.
func freezeAny(v any) (out slog.Value) {
	defer func() {
		if what := recover(); what != nil { // a method of a nil pointer, as a rule
			out = slog.StringValue(bounded(fmt.Sprintf("!PANIC: %v", what)))
		}
	}()
	_, marshals := v.(json.Marshaler)
	if err, ok := v.(error); ok && !marshals {
		return slog.StringValue(bounded(err.Error()))
	}
	text, err := json.Marshal(v)
	switch {
	case err != nil:
		return slog.StringValue(bounded("!ERROR:" + err.Error()))
	case len(text) > maxLogText:
		return slog.StringValue(bounded(string(text)))
	}
	return slog.AnyValue(json.RawMessage(text))
}

func bounded(text string) string {
	if len(text) <= maxLogText {
		return text
	}
	return strings.ToValidUTF8(strings.Clone(text[:maxLogText]), "")
}

func (r record) log() Log {
	return Log{
		Time: r.time, Level: r.level.String(), Service: r.service, Message: r.message, SpanID: r.span.String(), Attributes: r.attributes(),
	}
}

// attributes are the logger's and the record's, groups as maps. As slog has it, a group
// without anything in it is left out.
func (r record) attributes() map[string]any {
	var scopes []*scope
	for s := r.scope; s != nil; s = s.outer {
		scopes = append(scopes, s)
	}
	all := map[string]any{}
	into := all
	for _, s := range slices.Backward(scopes) {
		if s.group != "" {
			into = groupIn(into, s.group)
		}
		put(into, s.attrs)
	}
	put(into, r.attrs)
	withoutEmpty(all)
	return all
}

func put(into map[string]any, attrs []slog.Attr) {
	for _, a := range attrs {
		switch {
		case a.Value.Kind() == slog.KindGroup && a.Key == "":
			put(into, a.Value.Group())
		case a.Value.Kind() == slog.KindGroup:
			put(groupIn(into, a.Key), a.Value.Group())
		default:
			into[a.Key] = shown(a.Value)
		}
	}
}

// groupIn returns the group of a name, which is a new one if there is none.
func groupIn(into map[string]any, name string) map[string]any {
	group, ok := into[name].(map[string]any)
	if !ok {
		group = map[string]any{}
		into[name] = group
	}
	return group
}

func withoutEmpty(m map[string]any) {
	for name, v := range m {
		if group, ok := v.(map[string]any); ok {
			if withoutEmpty(group); len(group) == 0 {
				delete(m, name)
			}
		}
	}
}

// shown is a value as JSON can have it: durations are text, as in the whole API.
func shown(v slog.Value) any {
	switch v.Kind() {
	case slog.KindDuration:
		return v.Duration().String()
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindFloat64:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			return v.String()
		}
	}
	return v.Any()
}

package resilienceotel

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"

	"reliability/pkg/resilience"
)

// logTransition writes which breaker, from, to, why, and the counts behind it.
func (o *Observer) logTransition(ctx context.Context, t resilience.Transition) {
	level := slog.LevelInfo
	if t.To == resilience.Open {
		level = slog.LevelWarn
	}
	o.logger.LogAttrs(ctx, level, "circuit breaker "+t.To.String(), logAttrs(t)...)
}

func (o *Observer) logWouldOpen(ctx context.Context, t resilience.Transition) {
	o.logger.LogAttrs(ctx, slog.LevelWarn, "circuit breaker would open", logAttrs(t)...)
}

func (o *Observer) logMode(ctx context.Context, e resilience.Event) {
	level := slog.LevelInfo
	if e.Mode == resilience.ModeOpen || e.Mode == resilience.ModeClosed { // somebody has to think of taking it back
		level = slog.LevelWarn
	}
	o.logger.LogAttrs(ctx, level, "circuit breaker mode "+e.Mode.String(), slog.String("breaker", e.Name), slog.String("mode", e.Mode.String()))
}

func logAttrs(t resilience.Transition) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("breaker", t.Breaker), slog.String("from", t.From.String()), slog.String("to", t.To.String()),
		slog.String("reason", t.Reason),
	}
	for _, c := range counts(t.Counts) {
		attrs = append(attrs, slog.Int(c.name, c.n))
	}
	if !t.Until.IsZero() {
		attrs = append(attrs, slog.Time("until", t.Until))
	}
	if t.Err != nil {
		attrs = append(attrs, slog.String("last_error", t.Err.Error()))
	}
	return attrs
}

// A count is one of a transition's counts.
type count struct {
	name string // in a log line
	key  attribute.Key
	n    int
}

// counts lists what is not zero: a breaker that goes by failures in a row has no window,
// and one that closes has nothing to count.
func counts(c resilience.Counts) []count {
	var list []count
	for _, each := range []count{
		{"failures", FailuresKey, c.Failures}, {"calls", CallsKey, c.Calls}, {"failed", FailedKey, c.Failed}, {"slow", SlowKey, c.Slow}, {"overdue", OverdueKey, c.Overdue},
	} {
		if each.n > 0 {
			list = append(list, each)
		}
	}
	return list
}

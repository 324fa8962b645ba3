package resilienceotel

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// addEvent makes a decision an event of the span that it happened in.
func (o *Observer) addEvent(span trace.Span, e resilience.Event) {
	add := func(name string, attrs ...attribute.KeyValue) { span.AddEvent(name, trace.WithAttributes(attrs...)) }
	switch e.Kind {
	case resilience.EventRetry:
		add("retry", AttemptKey.Int(e.Attempt), DelayKey.Float64(e.Delay.Seconds()), ReasonKey.String(text(e.Err)))
	case resilience.EventGiveUp:
		add("give up", AttemptKey.Int(e.Attempt), ReasonKey.String(string(e.Reason)))
	case resilience.EventTimeout:
		add("timeout", LimitKey.Float64(e.Delay.Seconds()))
	case resilience.EventRejected:
		_, who := rejection(e)
		add("rejected", who, ReasonKey.String(text(e.Err)))
		o.linkToOpener(span, e)
	case resilience.EventTransition:
		add("circuit breaker "+e.Transition.To.String(), transitionAttributes(e.Transition)...)
	case resilience.EventWouldOpen:
		add("circuit breaker would open", transitionAttributes(e.Transition)...)
	case resilience.EventMode:
		add("circuit breaker mode", BreakerKey.String(e.Name), ModeKey.String(e.Mode.String()))
	case resilience.EventLeaseExpired:
		add("probe lease expired", BreakerKey.String(e.Name))
	case resilience.EventFallback:
		add("fallback", ReasonKey.String(text(e.Err)))
	}
}

// transitionAttributes are those of a span event: of the counts, only what decided.
func transitionAttributes(t resilience.Transition) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		BreakerKey.String(t.Breaker), FromKey.String(t.From.String()), ToKey.String(t.To.String()), ReasonKey.String(t.Reason),
	}
	for _, c := range counts(t.Counts) {
		attrs = append(attrs, c.key.Int(c.n))
	}
	return attrs
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

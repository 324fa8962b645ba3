package caller

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// Kinds of what GET /api/events tells, beside snapshots.
const (
	eventDecision = "decision"
	eventCall     = "call"
)

// A Decision is a [resilience.Event], as those see it who watch.
type Decision struct {
	At         time.Time   `json:"at"`
	Engine     string      `json:"engine"`
	Kind       string      `json:"kind"` // attempt, retry, give up, timeout, rejected, transition, …
	Attempt    int         `json:"attempt,omitempty"`
	DelayMS    float64     `json:"delay_ms,omitempty"` // before the next attempt, or the limit that passed
	Reason     string      `json:"reason,omitempty"`   // why Retry gave up
	Name       string      `json:"name,omitempty"`     // of the breaker, compartment or limiter
	Mode       string      `json:"mode,omitempty"`     // that the breaker is in now
	Transition *Transition `json:"transition,omitempty"`
	Error      string      `json:"error,omitempty"`
	TraceID    string      `json:"trace_id,omitempty"`
}

// important is what somebody who watches must not miss: what becomes of a breaker.
func (d Decision) important() bool { return d.Transition != nil || d.Mode != "" }

// A CallEvent is a call that has ended.
type CallEvent struct {
	At    time.Time `json:"at"` // its end
	Error string    `json:"error,omitempty"`
	Answer
}

// decided tells those who watch of a decision. What became of a breaker is remembered
// with its trace, whether or not somebody does.
func (s *Service) decided(ctx context.Context, x *protection, e resilience.Event) {
	var changed *Transition
	if e.Kind == resilience.EventTransition {
		changed = s.transition(ctx, e.Transition)
		x.transitions.add(changed)
		if span := trace.SpanContextFromContext(ctx); span.IsSampled() { // or there is nothing to keep
			s.tel.Store.Keep(span.TraceID())
		}
	}
	if s.feed.watching.Load() == 0 {
		return
	}
	d := Decision{
		At: time.Now(), Engine: x.engine, Kind: e.Kind.String(), Attempt: e.Attempt, DelayMS: milliseconds(e.Delay),
		Reason: string(e.Reason), Name: e.Name,
	}
	switch e.Kind {
	case resilience.EventTransition:
		d.Transition = changed
	case resilience.EventWouldOpen:
		d.Transition = s.transition(ctx, e.Transition)
	case resilience.EventMode:
		d.Mode = e.Mode.String()
	}
	if e.Err != nil {
		d.Error = e.Err.Error()
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		d.TraceID = span.TraceID().String()
	}
	s.feed.publish(eventDecision, d.At, d)
}

// ended tells them of a call.
func (s *Service) ended(a Answer, err error) {
	if s.feed.watching.Load() == 0 {
		return
	}
	e := CallEvent{At: time.Now(), Answer: a}
	if err != nil {
		e.Error = err.Error()
	}
	s.feed.publish(eventCall, e.At, e)
}

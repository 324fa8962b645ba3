package resilienceotel

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// Trace is a policy that puts a span around what is inside it. Let it stand outermost. A
// nil tracer makes no span. [Observer.Call] measures the call as well.
func Trace(tracer trace.Tracer, name string) resilience.Policy {
	return newCall(tracer, name).policy()
}

// Call is [Trace] that also measures: how long calls take, by outcome, and how many are
// in flight. name is that of the kind of call, never of one call. Without a tracer the
// events of the call go to the span that there is.
func (o *Observer) Call(tracer trace.Tracer, name string) resilience.Policy {
	c := newCall(tracer, name)
	if o.metrics != nil {
		c.duration, c.inFlight = o.metrics.call(name)
	}
	return c.policy()
}

type call struct {
	tracer   trace.Tracer // nil: no span
	name     string
	start    []trace.SpanStartOption
	duration *durations    // nil: not measured
	inFlight *atomic.Int64 // nil with duration
}

func newCall(tracer trace.Tracer, name string) *call {
	return &call{tracer: tracer, name: name, start: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindInternal)}}
}

func (c *call) policy() resilience.Policy {
	return resilience.Custom("trace", func(next resilience.Handler) resilience.Handler {
		if c.tracer == nil && c.duration == nil {
			return next
		}
		return func(ctx context.Context, op resilience.Op) error { return c.do(ctx, op, next) }
	})
}

func (c *call) do(ctx context.Context, op resilience.Op, next resilience.Handler) (err error) {
	current := &callContext{Context: ctx}
	ctx = current
	var begin time.Time
	if c.duration != nil {
		begin = time.Now()
		c.inFlight.Add(1)
	}
	var span trace.Span
	if c.tracer != nil {
		ctx, span = c.tracer.Start(ctx, c.name, c.start...)
	}
	returned := false
	defer func() {
		// Recovered only to be told: it goes on from here, with the stack that it had.
		var value any
		if !returned {
			value = recover()
		}
		o := ended(ctx, err, returned, value)
		if o == success && current.answered.Load() {
			o = fellBack
		}
		if c.duration != nil {
			c.inFlight.Add(-1)
			c.duration.record(ctx, o, time.Since(begin)) // before the span ends: an exemplar may want it
		}
		if span != nil {
			end(span, current, o, err, value)
		}
		if value != nil {
			panic(value)
		}
	}()
	err = next(ctx, op)
	returned = true
	return err
}

func end(span trace.Span, current *callContext, o outcome, err error, panicValue any) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	attributes := append(make([]attribute.KeyValue, 0, 2), OutcomeKey.String(o.String()))
	if n := current.attempts.Load(); n > 0 {
		attributes = append(attributes, AttemptsKey.Int64(n))
	}
	span.SetAttributes(attributes...)
	if text := why(o, err, panicValue); text != "" {
		span.SetStatus(codes.Error, text)
	}
}

// why is what the span's status says of the outcome, or "" if that is no error.
func why(o outcome, err error, panicValue any) string {
	switch {
	case o == panicked:
		return fmt.Sprintf("panic: %v", panicValue)
	case o == exited:
		return "runtime.Goexit"
	case err != nil:
		return err.Error()
	}
	return ""
}

// A callContext is the context of a call, by which what is inside it finds it: one struct
// of both, because each would be an allocation.
type callContext struct {
	context.Context //nolint:containedctx // it is the context

	attempts atomic.Int64 // of the outermost Retry, whose event comes last
	answered atomic.Bool  // by a fallback
}

type callKey struct{}

// Value implements [context.Context].
func (c *callContext) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// callOf returns the innermost call that ctx belongs to, or nil.
func callOf(ctx context.Context) *callContext {
	c, _ := ctx.Value(callKey{}).(*callContext)
	return c
}

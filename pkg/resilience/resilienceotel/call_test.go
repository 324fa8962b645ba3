package resilienceotel_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
)

// limiter allows nothing.
type limiter struct{}

func (limiter) Allow() bool { return false }

// TestOutcomes: what the span and the histogram say of each way that a call can end.
func TestOutcomes(t *testing.T) {
	type row struct {
		name     string
		policies func(w *watched) []resilience.Policy
		ctx      func(context.Context) (context.Context, context.CancelFunc)
		op       resilience.Op
		outcome  string
		attempts string // "": not known
		status   codes.Code
		took     string // "count sum" of the histogram
	}
	retry := func(w *watched) []resilience.Policy { return []resilience.Policy{w.retry(3)} }
	within := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	for _, c := range []row{
		{name: "success", policies: retry, op: succeed, outcome: "success", attempts: "1", status: codes.Unset, took: "1 0"},
		{name: "no retry: nobody counts", policies: func(*watched) []resilience.Policy { return nil },
			op: succeed, outcome: "success", status: codes.Unset, took: "1 0"},
		{name: "saved by a retry", policies: retry, op: failing(2), outcome: "success", attempts: "3", status: codes.Unset, took: "1 0.3"},
		{name: "failure", policies: retry, op: fail, outcome: "failure", attempts: "3", status: codes.Error, took: "1 0.3"},
		{name: "answered by a fallback", op: fail, outcome: "fallback", attempts: "3", status: codes.Unset, took: "1 0.3",
			policies: func(w *watched) []resilience.Policy {
				return []resilience.Policy{resilience.Fallback(resilience.FallbackConfig{
					Answer: func(context.Context, error) error { return nil }, Observer: w.Observer,
				}), w.retry(3)}
			}},
		{name: "a fallback that fails too", op: fail, outcome: "failure", attempts: "3", status: codes.Error, took: "1 0.3",
			policies: func(w *watched) []resilience.Policy {
				return []resilience.Policy{resilience.Fallback(resilience.FallbackConfig{
					Answer: func(context.Context, error) error { return errBoom }, Observer: w.Observer,
				}), w.retry(3)}
			}},
		{name: "timeout", op: hang, outcome: "timeout", attempts: "2", status: codes.Error, took: "1 2.1",
			policies: func(w *watched) []resilience.Policy { return []resilience.Policy{w.retry(2), w.timeout(time.Second)} }},
		{name: "the caller's deadline", policies: retry, ctx: within(time.Second), op: hang, outcome: "timeout", attempts: "1",
			status: codes.Error, took: "1 1"},
		{name: "no time for another attempt", policies: retry, ctx: within(50 * time.Millisecond), op: fail,
			outcome: "timeout", attempts: "1", status: codes.Error, took: "1 0"},
		{name: "no attempt within MaxElapsed", op: fail, outcome: "timeout", attempts: "1", status: codes.Error, took: "1 0",
			policies: func(w *watched) []resilience.Policy {
				return []resilience.Policy{resilience.Retry(resilience.RetryConfig{
					Jitter: resilience.JitterNone, MaxElapsed: time.Millisecond, Observer: w.Observer,
				})}
			}},
		{name: "an error that calls itself a timeout", policies: func(*watched) []resilience.Policy { return nil }, op: func(context.Context) error {
			return context.DeadlineExceeded // of the operation's own
		}, outcome: "timeout", status: codes.Error, took: "1 0"},
		{name: "canceled", policies: retry, op: hang, outcome: "canceled", attempts: "1", status: codes.Error, took: "1 1",
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Second, func() { cancel(errBoom) })
				return ctx, func() {}
			}},
		{name: "rejected", op: succeed, outcome: "rejected", attempts: "1", status: codes.Error, took: "1 0",
			policies: func(w *watched) []resilience.Policy {
				return []resilience.Policy{w.retry(3), resilience.RateLimit(resilience.RateLimitConfig{Limiter: limiter{}})}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				ctx := t.Context()
				if c.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = c.ctx(ctx)
					defer cancel()
				}
				err := w.chain(slices.Concat([]resilience.Policy{w.Call(w.tracer, "charge")}, c.policies(w))...)(ctx, c.op)
				span, attrs := w.last()
				if got := span.Status(); got.Code != c.status || (err != nil) != (c.status == codes.Error) || err != nil && got.Description != err.Error() {
					t.Errorf("status %v for error %v; want %v, with the error's text", got, err, c.status)
				}
				if attrs[resilienceotel.OutcomeKey] != c.outcome || attrs[resilienceotel.AttemptsKey] != c.attempts {
					t.Errorf("span has %v; want outcome %s, %q attempts", attrs, c.outcome, c.attempts)
				}
				if span.SpanKind() != trace.SpanKindInternal || span.Name() != "charge" {
					t.Errorf("span %q is of kind %v", span.Name(), span.SpanKind())
				}
				metrics := w.metrics()
				series := "reliability.call.duration{reliability.call=charge,reliability.outcome=" + c.outcome + "}"
				if got := metrics[series]; got != c.took {
					t.Errorf("%s is %q; want %q, in\n%v", series, got, c.took, metrics)
				}
				if got := metrics["reliability.call.in_flight{reliability.call=charge}"]; got != "0" {
					t.Errorf("%q calls in flight; want 0", got)
				}
			})
		})
	}
}

func TestPanicAndGoexitEndTheSpan(t *testing.T) {
	for _, c := range []struct {
		name, outcome, description string
		op                         resilience.Op
		recovered                  any
	}{
		{"panic", "panic", "panic: boom", func(context.Context) error { panic(errBoom) }, errBoom},
		{"Goexit", "goexit", "runtime.Goexit", func(context.Context) error { runtime.Goexit(); return nil }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watch(t)
			h := w.chain(w.Call(w.tracer, "charge"), w.retry(3), w.Attempt())
			var recovered any
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { recovered = recover() }()
				_ = h(t.Context(), c.op)
				t.Error("the call returned")
			}()
			<-done
			if recovered != c.recovered {
				t.Errorf("recovered %v; want %v itself", recovered, c.recovered)
			}
			span, attrs := w.last()
			if got := span.Status(); got.Code != codes.Error || got.Description != c.description {
				t.Errorf("status %v; want Error, %q", got, c.description)
			}
			if attrs[resilienceotel.OutcomeKey] != c.outcome || attrs[resilienceotel.AttemptsKey] != "1" {
				t.Errorf("span has %v", attrs)
			}
			metrics := w.metrics()
			for _, series := range []string{
				"reliability.call.duration{reliability.call=charge,reliability.outcome=" + c.outcome + "}",
				"reliability.attempt.duration{reliability.attempt.type=first,reliability.outcome=" + c.outcome + "}",
			} {
				if _, ok := metrics[series]; !ok {
					t.Errorf("%s is missing in %v", series, metrics)
				}
			}
			if got := metrics["reliability.call.in_flight{reliability.call=charge}"]; got != "0" {
				t.Errorf("%q calls in flight; want 0", got)
			}
		})
	}
}

// TestNestedCallsCountForThemselves: the innermost Call is the one that the observer finds.
func TestNestedCallsCountForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		inner := w.chain(w.Call(w.tracer, "inner"), w.retry(3))
		outer := w.chain(w.Call(w.tracer, "outer"), w.retry(3))
		if err := outer(t.Context(), func(ctx context.Context) error { return inner(ctx, failing(2)) }); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range w.spans.Ended() {
			got[s.Name()] = attributes(s.Attributes())[resilienceotel.AttemptsKey]
		}
		if got["inner"] != "3" || got["outer"] != "1" {
			t.Errorf("attempts %v; want 3 of the inner call, 1 of the outer", got)
		}
	})
}

func TestARejectedCallIsLinkedToTheTraceThatOpenedTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		b := w.breaker(resilience.BreakerConfig{Failures: 1, OpenFor: time.Second, Probes: 1})
		h := w.chain(resilienceotel.Trace(w.tracer, "call"), throughBreaker(b))
		link := func() trace.TraceID {
			t.Helper()
			span, _ := w.last()
			if len(span.Links()) == 0 {
				return trace.TraceID{}
			}
			if got := attributes(span.Links()[0].Attributes); got[resilienceotel.LinkKey] != "opened the breaker" {
				t.Errorf("link has %v", got)
			}
			return span.Links()[0].SpanContext.TraceID()
		}
		traceID := func() trace.TraceID { span, _ := w.last(); return span.SpanContext().TraceID() }

		_ = h(t.Context(), fail)
		first := traceID()
		_ = h(t.Context(), succeed)
		if got := link(); got != first {
			t.Errorf("linked to %v; want %v, which opened the breaker", got, first)
		}
		time.Sleep(time.Second)
		_ = h(t.Context(), fail) // a probe
		second := traceID()
		_ = h(t.Context(), succeed)
		if got := link(); got != second {
			t.Errorf("linked to %v; want %v, whose probe failed", got, second)
		}
		time.Sleep(time.Second)
		_ = h(t.Context(), func(ctx context.Context) error { // half-open, its one probe out
			_ = h(ctx, succeed)
			if got := link(); got != second {
				t.Errorf("half-open: linked to %v; want %v", got, second)
			}
			return nil
		})
		if got := link(); got.IsValid() {
			t.Errorf("a call that passed is linked to %v", got)
		}
		if err := b.Force(t.Context(), resilience.ModeOpen); err != nil {
			t.Fatal(err)
		}
		_ = h(t.Context(), succeed)
		if got := link(); got.IsValid() {
			t.Errorf("held open by hand, yet linked to %v", got)
		}
	})
}

// TestABulkheadOfTheSameNameIsNoBreaker, and what turned its calls away opened nothing.
func TestABulkheadOfTheSameNameIsNoBreaker(t *testing.T) {
	w := watch(t)
	_ = w.chain(resilienceotel.Trace(w.tracer, "opens"), throughBreaker(w.breaker(resilience.BreakerConfig{Failures: 1})))(t.Context(), fail)
	c, err := resilience.NewCompartment(resilience.CompartmentConfig{Name: "dep", MaxConcurrent: 1, Observer: w.Observer})
	if err != nil {
		t.Fatal(err)
	}
	h := w.chain(resilience.Bulkhead(c))
	_ = h(t.Context(), func(ctx context.Context) error {
		return w.chain(resilienceotel.Trace(w.tracer, "full"), resilience.Bulkhead(c))(ctx, succeed)
	})
	span, _ := w.last()
	if span.Name() != "full" || len(span.Links()) != 0 {
		t.Errorf("%s has links %v", span.Name(), span.Links())
	}
}

// TestWithoutProviders: nothing is made up, and events go to the span there is.
func TestWithoutProviders(t *testing.T) {
	w := watch(t)
	bare, err := resilienceotel.NewObserver(resilienceotel.Config{})
	if err != nil {
		t.Fatal(err)
	}
	retry := resilience.Retry(resilience.RetryConfig{MaxAttempts: 2, Base: 1, Observer: bare})
	h := w.chain(bare.Call(nil, "call"), retry, bare.Attempt())
	ctx, span := w.tracer.Start(t.Context(), "around")
	if err := h(ctx, fail); !errors.Is(err, errBoom) {
		t.Errorf("error %v", err)
	}
	if err := w.chain(resilienceotel.Trace(nil, "call"))(ctx, fail); err != errBoom {
		t.Errorf("Trace without a tracer: error %v", err)
	}
	span.End()
	got, _ := w.last()
	if len(w.spans.Ended()) != 1 || len(got.Events()) != 2 || got.Events()[0].Name != "retry" {
		t.Errorf("%d spans, events %v; want retry and give up on the one around", len(w.spans.Ended()), got.Events())
	}
	stop := bare.WatchBreaker(w.breaker(resilience.BreakerConfig{}))
	stop()
	if err := bare.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	// A meter alone measures calls.
	if err := w.chain(w.Call(nil, "measured"))(t.Context(), succeed); err != nil {
		t.Fatal(err)
	}
	want := "reliability.call.duration{" + string(resilienceotel.CallKey) + "=measured,reliability.outcome=success}"
	if _, ok := w.metrics()[want]; !ok || len(w.spans.Ended()) != 1 {
		t.Errorf("no %s", want)
	}
}

package resilienceotel_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
)

// TestLogLines: one clear line for each transition, with those counts that matter.
func TestLogLines(t *testing.T) {
	type line = map[string]any
	const opened = "2000-01-01T00:00:05Z" // when the bubble's time begins, and five seconds
	for _, c := range []struct {
		name string
		cfg  resilience.BreakerConfig
		act  func(t *testing.T, h resilience.Handler, b resilience.Breaker)
		want []line
	}{
		{"failures in a row, and the way back", resilience.BreakerConfig{Failures: 2, Probes: 1},
			func(t *testing.T, h resilience.Handler, _ resilience.Breaker) {
				_, _ = h(t.Context(), fail), h(t.Context(), fail)
				_ = h(t.Context(), succeed) // rejected: no line
				time.Sleep(5 * time.Second)
				_ = h(t.Context(), succeed)
			},
			[]line{
				{"level": "WARN", "msg": "circuit breaker open", "breaker": "dep", "from": "closed", "to": "open",
					"reason": "2 of 2 failures in a row", "failures": 2.0, "until": opened, "last_error": "boom"},
				{"level": "INFO", "msg": "circuit breaker half-open", "breaker": "dep", "from": "open", "to": "half-open", "reason": "open for 5s, probing"},
				{"level": "INFO", "msg": "circuit breaker closed", "breaker": "dep", "from": "half-open", "to": "closed", "reason": "1 of 1 probes succeeded"},
			}},
		{"a failure rate", resilience.BreakerConfig{FailureRate: 0.5, WindowCalls: 2},
			func(t *testing.T, h resilience.Handler, _ resilience.Breaker) {
				_, _ = h(t.Context(), succeed), h(t.Context(), fail)
			},
			[]line{{"level": "WARN", "msg": "circuit breaker open", "breaker": "dep", "from": "closed", "to": "open",
				"reason": "1 of the last 2 calls failed, at least 50%", "failures": 1.0, "calls": 2.0, "failed": 1.0, "until": opened, "last_error": "boom"}}},
		{"would open", resilience.BreakerConfig{Failures: 1},
			func(t *testing.T, h resilience.Handler, b resilience.Breaker) {
				_ = b.Force(t.Context(), resilience.ModeObserve)
				_ = h(t.Context(), fail)
			},
			[]line{
				{"level": "INFO", "msg": "circuit breaker mode observe", "breaker": "dep", "mode": "observe"},
				{"level": "WARN", "msg": "circuit breaker would open", "breaker": "dep", "from": "closed", "to": "open",
					"reason": "1 of 1 failures in a row", "failures": 1.0, "until": opened, "last_error": "boom"},
			}},
		{"held open by hand", resilience.BreakerConfig{},
			func(t *testing.T, _ resilience.Handler, b resilience.Breaker) {
				_ = b.Force(t.Context(), resilience.ModeOpen)
			},
			[]line{
				{"level": "WARN", "msg": "circuit breaker mode open", "breaker": "dep", "mode": "open"},
				{"level": "WARN", "msg": "circuit breaker open", "breaker": "dep", "from": "closed", "to": "open", "reason": "held open by hand"},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				b := w.breaker(c.cfg)
				c.act(t, w.chain(throughBreaker(b)), b)
				if diff := cmp.Diff(c.want, w.lines()); diff != "" {
					t.Errorf("log (-want +got)\n%s", diff)
				}
			})
		})
	}
}

func TestSlowCallsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		b := w.breaker(resilience.BreakerConfig{SlowRate: 1, SlowAfter: time.Second, WindowCalls: 2})
		h := w.chain(throughBreaker(b))
		slow := func(context.Context) error { time.Sleep(3 * time.Second); return nil }
		go func() { _ = h(t.Context(), slow) }()
		time.Sleep(2 * time.Second)
		_ = h(t.Context(), func(context.Context) error { time.Sleep(time.Second); return nil })
		synctest.Wait()
		lines := w.lines()
		if len(lines) != 1 {
			t.Fatalf("log %v", lines)
		}
		delete(lines[0], "until")
		want := map[string]any{"level": "WARN", "msg": "circuit breaker open", "breaker": "dep", "from": "closed", "to": "open",
			"reason": "2 of the last 2 calls took 1s or longer, at least 100%", "calls": 2.0, "slow": 2.0}
		if lines[0]["overdue"] != nil { // whichever of the two that end at one moment is counted first
			want["reason"], want["calls"], want["slow"], want["overdue"] = want["reason"].(string)+" (1 of them still running)", 1.0, 1.0, 1.0
		}
		if diff := cmp.Diff(want, lines[0]); diff != "" {
			t.Errorf("log (-want +got)\n%s", diff)
		}
	})
}

// TestSpanEvents: every decision is an event of the span that it happened in.
func TestSpanEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		b := w.breaker(resilience.BreakerConfig{Failures: 2})
		h := w.chain(
			w.Call(w.tracer, "call"),
			resilience.Fallback(resilience.FallbackConfig{Observer: w.Observer, Answer: func(context.Context, error) error { return nil }}),
			w.retry(3), w.timeout(time.Second), throughBreaker(b),
		)
		if err := h(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return errBoom }); err != nil {
			t.Fatal(err)
		}
		_ = h(t.Context(), succeed)
		_ = b.Force(t.Context(), resilience.ModeObserve)
		type told struct {
			Name  string
			Attrs map[string]string
		}
		var got []told
		for _, span := range w.spans.Ended() {
			for _, e := range span.Events() {
				attrs := map[string]string{}
				for k, v := range attributes(e.Attributes) {
					attrs[string(k)] = v
				}
				got = append(got, told{e.Name, attrs})
			}
		}
		const timedOut = "resilience: timed out after 1s: boom"
		const rejection = `resilience: breaker "dep" is open until 2000-01-01T00:00:07.1Z`
		want := []told{
			{"timeout", map[string]string{"reliability.timeout.limit": "1"}},
			{"retry", map[string]string{"reliability.attempt": "1", "reliability.retry.delay": "0.1", "reliability.reason": timedOut}},
			{"circuit breaker open", map[string]string{"reliability.breaker.name": "dep", "reliability.breaker.from": "closed",
				"reliability.breaker.to": "open", "reliability.reason": "2 of 2 failures in a row", "reliability.breaker.failures": "2"}},
			{"timeout", map[string]string{"reliability.timeout.limit": "1"}},
			{"retry", map[string]string{"reliability.attempt": "2", "reliability.retry.delay": "0.2", "reliability.reason": timedOut}},
			{"rejected", map[string]string{"reliability.breaker.name": "dep", "reliability.reason": rejection}},
			{"give up", map[string]string{"reliability.attempt": "3", "reliability.reason": "not retryable"}},
			{"fallback", map[string]string{"reliability.reason": "resilience: gave up after 3 attempts (not retryable): " + rejection}},
			// The second call.
			{"rejected", map[string]string{"reliability.breaker.name": "dep", "reliability.reason": rejection}},
			{"give up", map[string]string{"reliability.attempt": "1", "reliability.reason": "not retryable"}},
			{"fallback", map[string]string{"reliability.reason": rejection}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("span events (-want +got)\n%s", diff)
		}
	})
}

// TestALostProbeAndAModeAreSpanEvents too, of the call that lost the probe and of whoever
// asked.
func TestALostProbeAndAModeAreSpanEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		b := w.breaker(resilience.BreakerConfig{Failures: 1, OpenFor: time.Second, Lease: time.Second})
		h := w.chain(resilienceotel.Trace(w.tracer, "call"), throughBreaker(b))
		_ = h(t.Context(), fail)
		time.Sleep(time.Second)
		_ = h(t.Context(), func(ctx context.Context) error { // a probe that takes too long
			time.Sleep(time.Second)
			return b.Force(ctx, resilience.ModeClosed)
		})
		span, _ := w.last()
		var names []string
		for _, e := range span.Events() {
			names = append(names, e.Name)
		}
		want := []string{"circuit breaker half-open", "probe lease expired", "circuit breaker open", "circuit breaker mode", "circuit breaker closed"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("span events (-want +got)\n%s", diff)
		}
	})
}

// TestConcurrency is for the race detector: everything at once, and the sums are right.
func TestConcurrency(t *testing.T) {
	const goroutines, calls = 8, 200
	w := watch(t)
	b := w.breaker(resilience.BreakerConfig{Failures: 1, OpenFor: time.Nanosecond})
	h := w.chain(w.Call(w.tracer, "call"), w.retry(1), w.Attempt(), throughBreaker(b))
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range calls {
				stop := w.WatchBreaker(b)
				op := succeed
				if i%3 == 0 {
					op = fail
				}
				_ = h(t.Context(), op)
				if i%50 == 0 {
					_ = w.metrics()
				}
				stop()
			}
		})
	}
	wg.Wait()
	n := uint64(0)
	for _, m := range w.collect() {
		if m.Name == "reliability.call.duration" {
			n += histogramCount(m)
		}
	}
	if want := uint64(goroutines * calls); n != want || len(w.spans.Ended()) != int(want) {
		t.Errorf("%d calls measured, %d spans; want %d", n, len(w.spans.Ended()), want)
	}
}

package resilienceotel_test

import (
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"reliability/pkg/resilience"
)

func histogramCount(m metricdata.Metrics) uint64 {
	n := uint64(0)
	for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
		n += p.Count
	}
	return n
}

// everything makes each instrument measure something.
func everything(t *testing.T, w *watched) {
	t.Helper()
	b := w.breaker(resilience.BreakerConfig{Failures: 2, OpenFor: time.Second, Lease: time.Second})
	budget, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{Burst: 2})
	if err != nil {
		t.Fatal(err)
	}
	slots, err := resilience.NewCompartment(resilience.CompartmentConfig{Name: "slots", MaxConcurrent: 1, Observer: w.Observer})
	if err != nil {
		t.Fatal(err)
	}
	w.WatchBreaker(b)
	w.WatchBudget("dep", budget)
	w.WatchCompartment(slots)
	h := w.chain(
		w.Call(w.tracer, "charge"),
		resilience.Fallback(resilience.FallbackConfig{Observer: w.Observer,
			If:     func(_ context.Context, err error) bool { return resilience.Rejected(err) },
			Answer: func(context.Context, error) error { return nil }}),
		resilience.Bulkhead(slots),
		resilience.Retry(resilience.RetryConfig{
			MaxAttempts: 2, Base: 100 * time.Millisecond, Jitter: resilience.JitterNone, Budget: budget, Observer: w.Observer,
		}),
		w.Attempt(),
		w.timeout(time.Second),
		throughBreaker(b),
	)
	ctx := t.Context()
	_ = h(ctx, succeed)
	_ = h(ctx, func(ctx context.Context) error { _ = h(ctx, succeed); return nil }) // the inner one: bulkhead full
	_ = h(ctx, hang)                                                                // two attempts time out: the breaker opens
	_ = h(ctx, succeed)                                                             // rejected
	time.Sleep(time.Second)
	if p, err := b.Acquire(ctx); err != nil || !p.Live() { // a probe that is lost
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	_ = w.chain(resilience.RateLimit(resilience.RateLimitConfig{Name: "limit", Limiter: limiter{}, Observer: w.Observer}), throughBreaker(b))(ctx, succeed)
	_ = w.chain(throughBreaker(b))(ctx, succeed) // finds the lost probe
	_ = b.Force(ctx, resilience.ModeObserve)
	_, _ = w.chain(throughBreaker(b))(ctx, fail), w.chain(throughBreaker(b))(ctx, fail)
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, attribute.String("reliability.engine", "handrolled"))
		everything(t, w)
		got := map[string]string{}
		for series, value := range w.metrics() {
			if !strings.Contains(series, "reliability.engine=handrolled") {
				t.Errorf("%s has not what every measurement has", series)
			}
			series = strings.ReplaceAll(series, ",reliability.engine=handrolled", "")
			got[strings.ReplaceAll(strings.ReplaceAll(series, "reliability.engine=handrolled,", ""), "reliability.engine=handrolled", "")] = value
		}
		want := map[string]string{
			"reliability.call.duration{reliability.call=charge,reliability.outcome=success}":  "2 0",
			"reliability.call.duration{reliability.call=charge,reliability.outcome=timeout}":  "1 2.1",
			"reliability.call.duration{reliability.call=charge,reliability.outcome=fallback}": "2 0",

			"reliability.attempt.duration{reliability.attempt.type=first,reliability.outcome=success}":  "2 0",
			"reliability.attempt.duration{reliability.attempt.type=first,reliability.outcome=timeout}":  "1 1",
			"reliability.attempt.duration{reliability.attempt.type=retry,reliability.outcome=timeout}":  "1 1",
			"reliability.attempt.duration{reliability.attempt.type=first,reliability.outcome=rejected}": "1 0",

			"reliability.retry.delay{}":                                                                   "1 0.1",
			"reliability.retry.given_up{reliability.reason=attempts used up}":                             "1",
			"reliability.retry.given_up{reliability.reason=not retryable}":                                "1",
			"reliability.timeouts{}":                                                                      "2",
			"reliability.fallbacks{}":                                                                     "2",
			"reliability.breaker.would_open{reliability.breaker.name=dep}":                                "1",
			"reliability.breaker.lost_probes{reliability.breaker.name=dep}":                               "1",
			"reliability.retry.budget.tokens{reliability.budget.name=dep}":                                "1",
			"reliability.call.in_flight{reliability.call=charge}":                                         "0",
			"reliability.bulkhead.in_flight{reliability.bulkhead.name=slots}":                             "0",
			"reliability.bulkhead.waiting{reliability.bulkhead.name=slots}":                               "0",
			"reliability.breaker.state{reliability.breaker.name=dep,reliability.breaker.state=closed}":    "1",
			"reliability.breaker.state{reliability.breaker.name=dep,reliability.breaker.state=open}":      "0",
			"reliability.breaker.state{reliability.breaker.name=dep,reliability.breaker.state=half-open}": "0",

			"reliability.rejections{reliability.bulkhead.name=slots,reliability.reason=bulkhead full}": "1",
			"reliability.rejections{reliability.breaker.name=dep,reliability.reason=breaker open}":     "2",
			"reliability.rejections{reliability.ratelimit.name=limit,reliability.reason=rate limit}":   "1",

			"reliability.breaker.transitions{reliability.breaker.from=closed,reliability.breaker.name=dep,reliability.breaker.to=open}":    "1",
			"reliability.breaker.transitions{reliability.breaker.from=open,reliability.breaker.name=dep,reliability.breaker.to=half-open}": "1",
			"reliability.breaker.transitions{reliability.breaker.from=half-open,reliability.breaker.name=dep,reliability.breaker.to=open}": "1",
			"reliability.breaker.transitions{reliability.breaker.from=open,reliability.breaker.name=dep,reliability.breaker.to=closed}":    "1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metrics (-want +got)\n%s", diff)
		}
	})
}

// TestTheTableInTheDocIsTrue: names, instruments and units, of all there are.
func TestTheTableInTheDocIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		everything(t, w)
		found := map[string]string{}
		for _, m := range w.collect() {
			kind := ""
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				kind = "histogram"
				want := []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
				if got := data.DataPoints[0].Bounds; !slices.Equal(got, want) {
					t.Errorf("%s has the boundaries %v; want %v", m.Name, got, want)
				}
			case metricdata.Sum[int64]:
				kind = "counter"
				if !data.IsMonotonic {
					kind = "observable up/down"
				}
			case metricdata.Gauge[int64], metricdata.Gauge[float64]:
				kind = "observable gauge"
			}
			if m.Description == "" {
				t.Errorf("%s has no description", m.Name)
			}
			found[m.Name] = kind + " " + m.Unit
		}
		doc, err := os.ReadFile("doc.go")
		if err != nil {
			t.Fatal(err)
		}
		table := map[string]string{}
		row := regexp.MustCompile(`(?m)^//\t(reliability\.\S+) +(histogram|counter|observable gauge|observable up/down) +(\S+)`)
		for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
			table[m[1]] = m[2] + " " + m[3]
		}
		if diff := cmp.Diff(table, found); diff != "" {
			t.Errorf("instruments (-documented +found)\n%s", diff)
		}
	})
}

// TestWatching: observable instruments tell the moment that they are read, until stopped.
func TestWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		b := w.breaker(resilience.BreakerConfig{Failures: 1, OpenFor: time.Second})
		slots, err := resilience.NewCompartment(resilience.CompartmentConfig{Name: "slots", MaxConcurrent: 1, MaxQueue: 2})
		if err != nil {
			t.Fatal(err)
		}
		stopBreaker, stopSlots := w.WatchBreaker(b), w.WatchCompartment(slots)
		handlers := []resilience.Handler{ // two chains, one name, one compartment
			w.chain(w.Call(nil, "charge"), resilience.Bulkhead(slots)), w.chain(w.Call(nil, "charge"), resilience.Bulkhead(slots)),
		}
		release := make(chan struct{})
		for i := range 3 {
			go func() { _ = handlers[i%2](t.Context(), func(context.Context) error { <-release; return nil }) }()
		}
		_ = w.chain(throughBreaker(b))(t.Context(), fail)
		synctest.Wait()
		now := func() map[string]string {
			got := w.metrics()
			maps.DeleteFunc(got, func(series, value string) bool {
				return !regexp.MustCompile(`state|in_flight|waiting`).MatchString(series) || strings.Contains(series, "state") && value == "0"
			})
			return got
		}
		want := map[string]string{
			"reliability.call.in_flight{reliability.call=charge}":                                    "3",
			"reliability.bulkhead.in_flight{reliability.bulkhead.name=slots}":                        "1",
			"reliability.bulkhead.waiting{reliability.bulkhead.name=slots}":                          "2",
			"reliability.breaker.state{reliability.breaker.name=dep,reliability.breaker.state=open}": "1",
		}
		if diff := cmp.Diff(want, now()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		time.Sleep(time.Second) // nobody calls, and yet the time of being open is up
		stopSlots()
		want = map[string]string{
			"reliability.call.in_flight{reliability.call=charge}":                                         "3",
			"reliability.breaker.state{reliability.breaker.name=dep,reliability.breaker.state=half-open}": "1",
		}
		if diff := cmp.Diff(want, now()); diff != "" {
			t.Errorf("later (-want +got)\n%s", diff)
		}
		close(release)
		synctest.Wait()
		stopBreaker()
		if diff := cmp.Diff(map[string]string{"reliability.call.in_flight{reliability.call=charge}": "0"}, now()); diff != "" {
			t.Errorf("stopped (-want +got)\n%s", diff)
		}
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if got := now(); len(got) != 0 {
			t.Errorf("closed, and still %v", got)
		}
	})
}

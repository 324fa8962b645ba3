package resilienceotel

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"reliability/pkg/resilience"
)

// scopeName is the instrumentation scope of the measurements.
const scopeName = "reliability/pkg/resilience/resilienceotel"

// boundaries are for calls to a dependency, in seconds: the usual ones for HTTP servers
// begin at 5 ms, where a call within a cluster has ended, and end before a patient timeout.
var boundaries = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// metrics are the instruments, and what the observable ones look at.
type metrics struct {
	base []attribute.KeyValue // on every measurement

	calls, attempts, delays                                                      metric.Float64Histogram
	givenUp, timeouts, rejections, fallbacks, transitions, wouldOpen, lostProbes metric.Int64Counter
	breakerState                                                                 metric.Int64ObservableGauge
	tokens                                                                       metric.Float64ObservableGauge
	callsInFlight, bulkheadInFlight, bulkheadWaiting                             metric.Int64ObservableUpDownCounter
	registration                                                                 metric.Registration

	delayOptions []metric.RecordOption

	mu       sync.Mutex // protects what follows
	inFlight map[string]*atomic.Int64
	watched  map[*watch]struct{}
	made     map[[3]attribute.KeyValue][]metric.AddOption
}

func newMetrics(provider metric.MeterProvider, base []attribute.KeyValue) (*metrics, error) {
	m := &metrics{
		base: slices.Clone(base), inFlight: map[string]*atomic.Int64{}, watched: map[*watch]struct{}{},
		made: map[[3]attribute.KeyValue][]metric.AddOption{},
	}
	m.delayOptions = []metric.RecordOption{m.with()}
	in := &maker{meter: provider.Meter(scopeName)}
	m.calls = in.seconds("reliability.call.duration", "How long calls took, with all their attempts and waits.")
	m.attempts = in.seconds("reliability.attempt.duration", "How long attempts took.")
	m.delays = in.seconds("reliability.retry.delay", "Waits before retries.")
	m.givenUp = in.counter("reliability.retry.given_up", "{call}", "Failed calls that were not retried any more.")
	m.timeouts = in.counter("reliability.timeouts", "{timeout}", "Limits that passed.")
	m.rejections = in.counter("reliability.rejections", "{rejection}", "Calls turned away without an attempt.")
	m.fallbacks = in.counter("reliability.fallbacks", "{call}", "Failed calls that a fallback was asked to answer.")
	m.transitions = in.counter("reliability.breaker.transitions", "{transition}", "Changes of a breaker's state.")
	m.wouldOpen = in.counter("reliability.breaker.would_open", "{event}", "Times that an observing breaker would have opened.")
	m.lostProbes = in.counter("reliability.breaker.lost_probes", "{probe}", "Probes that outlived their lease.")
	m.breakerState = in.gauge("reliability.breaker.state", "{breaker}", "1 for the state that the breaker is in, 0 for the others.")
	m.tokens = in.floatGauge("reliability.retry.budget.tokens", "{token}", "Retries that the budget still allows.")
	m.callsInFlight = in.upDown("reliability.call.in_flight", "{call}", "Calls running now.")
	m.bulkheadInFlight = in.upDown("reliability.bulkhead.in_flight", "{call}", "Calls that hold a slot of the bulkhead.")
	m.bulkheadWaiting = in.upDown("reliability.bulkhead.waiting", "{call}", "Calls that wait for a slot of the bulkhead.")
	if len(in.errs) > 0 {
		return nil, errors.Join(in.errs...)
	}
	var err error
	m.registration, err = in.meter.RegisterCallback(m.observe, m.breakerState, m.tokens, m.callsInFlight, m.bulkheadInFlight, m.bulkheadWaiting)
	return m, err
}

// count adds what an event says.
func (m *metrics) count(ctx context.Context, e resilience.Event) {
	switch e.Kind {
	case resilience.EventRetry:
		m.delays.Record(ctx, e.Delay.Seconds(), m.delayOptions...)
	case resilience.EventGiveUp:
		m.add(ctx, m.givenUp, ReasonKey.String(string(e.Reason)))
	case resilience.EventTimeout:
		m.add(ctx, m.timeouts)
	case resilience.EventRejected:
		reason, who := rejection(e)
		m.add(ctx, m.rejections, ReasonKey.String(reason), who)
	case resilience.EventTransition:
		m.add(ctx, m.transitions,
			BreakerKey.String(e.Name), FromKey.String(e.Transition.From.String()), ToKey.String(e.Transition.To.String()))
	case resilience.EventWouldOpen:
		m.add(ctx, m.wouldOpen, BreakerKey.String(e.Name))
	case resilience.EventLeaseExpired:
		m.add(ctx, m.lostProbes, BreakerKey.String(e.Name))
	case resilience.EventFallback:
		m.add(ctx, m.fallbacks)
	}
}

func (m *metrics) add(ctx context.Context, c metric.Int64Counter, attrs ...attribute.KeyValue) {
	if c.Enabled(ctx) {
		c.Add(ctx, 1, m.options(attrs)...)
	}
}

// options makes each set of attributes once: there are few, and an open breaker turns
// away many calls.
func (m *metrics) options(attrs []attribute.KeyValue) []metric.AddOption {
	var key [3]attribute.KeyValue // no counter has more
	copy(key[:], attrs)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[key] == nil {
		m.made[key] = []metric.AddOption{m.with(attrs...)}
	}
	return m.made[key]
}

// with adds attributes to those that every measurement has.
func (m *metrics) with(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(m.base, attrs)...))
}

// call returns what measures the calls of a name, which all chains with it share.
func (m *metrics) call(name string) (*durations, *atomic.Int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inFlight[name] == nil {
		m.inFlight[name] = &atomic.Int64{}
	}
	return m.durations(m.calls, CallKey.String(name)), m.inFlight[name]
}

// attempt returns what measures the attempts of a type.
func (m *metrics) attempt(kind string) *durations {
	return m.durations(m.attempts, AttemptTypeKey.String(kind))
}

// durations is a histogram with its attributes made beforehand, so that a call need not.
type durations struct {
	histogram metric.Float64Histogram
	options   [outcomes][]metric.RecordOption
}

func (m *metrics) durations(h metric.Float64Histogram, attr attribute.KeyValue) *durations {
	d := &durations{histogram: h}
	for o := range outcomes {
		d.options[o] = []metric.RecordOption{m.with(attr, OutcomeKey.String(o.String()))}
	}
	return d
}

func (d *durations) record(ctx context.Context, o outcome, took time.Duration) {
	d.histogram.Record(ctx, took.Seconds(), d.options[o]...)
}

// A maker makes instruments and collects what goes wrong.
type maker struct {
	meter metric.Meter
	errs  []error
}

func made[T any](m *maker, instrument T, err error) T {
	if err != nil {
		m.errs = append(m.errs, err)
	}
	return instrument
}

func (m *maker) seconds(name, description string) metric.Float64Histogram {
	h, err := m.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(boundaries[:]...))
	return made(m, h, err)
}

func (m *maker) counter(name, unit, description string) metric.Int64Counter {
	c, err := m.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return made(m, c, err)
}

func (m *maker) gauge(name, unit, description string) metric.Int64ObservableGauge {
	g, err := m.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	return made(m, g, err)
}

func (m *maker) floatGauge(name, unit, description string) metric.Float64ObservableGauge {
	g, err := m.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	return made(m, g, err)
}

func (m *maker) upDown(name, unit, description string) metric.Int64ObservableUpDownCounter {
	c, err := m.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return made(m, c, err)
}

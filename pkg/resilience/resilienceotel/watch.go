package resilienceotel

import (
	"context"
	"maps"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"reliability/pkg/resilience"
)

// A watch reports what some part of a chain is like at the moment that metrics are read.
type watch struct{ report func(metric.Observer) }

// WatchBreaker reports the breaker's state whenever metrics are read, until stop is
// called. Reading changes nothing: an open breaker whose time is up is half-open here as
// it would be to the next call. Names tell breakers apart: watch only one of each. Until
// stop is called the observer keeps the breaker, so where breakers come and go without a
// word, as those of a resiliencehttp.PerHost that forgets hosts, watch none.
func (o *Observer) WatchBreaker(b resilience.Breaker) (stop func()) {
	return o.watch(func(to metric.Observer) {
		stats := b.Stats()
		for _, s := range []resilience.State{resilience.Closed, resilience.Open, resilience.HalfOpen} {
			var is int64
			if s == stats.State {
				is = 1
			}
			to.ObserveInt64(o.metrics.breakerState, is, o.metrics.with(BreakerKey.String(stats.Name), StateKey.String(s.String())))
		}
	})
}

// WatchBudget reports the tokens left, under a name that the budget itself does not have.
func (o *Observer) WatchBudget(name string, b *resilience.RetryBudget) (stop func()) {
	return o.watch(func(to metric.Observer) {
		to.ObserveFloat64(o.metrics.tokens, b.Tokens(), o.metrics.with(BudgetKey.String(name)))
	})
}

// WatchCompartment reports how many calls hold a slot of the compartment, and how many
// wait for one.
func (o *Observer) WatchCompartment(c *resilience.Compartment) (stop func()) {
	return o.watch(func(to metric.Observer) {
		stats := c.Stats()
		attrs := o.metrics.with(BulkheadKey.String(stats.Name))
		to.ObserveInt64(o.metrics.bulkheadInFlight, int64(stats.Running), attrs)
		to.ObserveInt64(o.metrics.bulkheadWaiting, int64(stats.Waiting), attrs)
	})
}

func (o *Observer) watch(report func(metric.Observer)) (stop func()) {
	m := o.metrics
	if m == nil {
		return func() {}
	}
	w := &watch{report}
	m.mu.Lock()
	m.watched[w] = struct{}{}
	m.mu.Unlock()
	return func() {
		m.mu.Lock()
		delete(m.watched, w)
		m.mu.Unlock()
	}
}

// observe is the callback of all observable instruments. It looks at breakers and tells what
// it finds without a lock of its own, because they have theirs.
func (m *metrics) observe(_ context.Context, to metric.Observer) error {
	watched, inFlight := m.observed()
	for name, n := range inFlight {
		to.ObserveInt64(m.callsInFlight, n.Load(), m.with(CallKey.String(name)))
	}
	for w := range watched {
		w.report(to)
	}
	return nil
}

// observed returns copies.
func (m *metrics) observed() (map[*watch]struct{}, map[string]*atomic.Int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.watched), maps.Clone(m.inFlight)
}

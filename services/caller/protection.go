package caller

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/time/rate"

	"reliability/internal/telemetry"
	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
	"reliability/pkg/resilience/sonybreaker"
)

// Names of the engines.
const (
	engineHandRolled = "handrolled"
	engineGobreaker  = "gobreaker"
)

// An engineKind is a kind of breaker.
type engineKind struct {
	name    string
	breaker func(resilience.BreakerConfig) (resilience.Breaker, error)
}

// engines live side by side: same configuration, same traffic, each with its own breaker
// and budget, so that they can be compared at every moment.
func engines() []engineKind {
	return []engineKind{{engineHandRolled, resilience.NewBreaker}, {engineGobreaker, sonybreaker.New}}
}

// engineKey tells the engines' measurements apart.
const engineKey = attribute.Key("reliability.engine")

// A protection is what one engine keeps while policies come and go: all that has state.
type protection struct {
	engine   string
	name     string // in events and metrics: the dependency, and the engine
	otel     *resilienceotel.Observer
	observer resilience.Observer // otel, and whoever watches the decisions
	breaker  resilience.Breaker
	bulkhead *resilience.Compartment
	counts   *counts

	transitions transitions

	// These are replaced by full ones when their numbers change, under Service.applying.
	budget  *resilience.RetryBudget
	limiter *rate.Limiter
	has     Policy // whose numbers they have
	unwatch func() // ends the observation of budget
}

// newProtection makes an engine's parts. name is the dependency's, decided is told of
// every decision.
func newProtection(e engineKind, name string, p Policy, tel *telemetry.Telemetry, decided func(ctx context.Context, x *protection, e resilience.Event)) (*protection, error) {
	x := &protection{
		engine: e.name, name: name + "/" + e.name, counts: newCounts(), unwatch: func() {},
	}
	var err error
	x.otel, err = resilienceotel.NewObserver(resilienceotel.Config{
		Logger: tel.Logger, MeterProvider: tel.Meters, Attributes: []attribute.KeyValue{engineKey.String(e.name)},
	})
	if err != nil {
		return nil, err
	}
	x.observer = resilience.Tee(x.otel, resilience.ObserverFunc(func(ctx context.Context, event resilience.Event) {
		decided(ctx, x, event)
	}))
	if x.breaker, err = e.breaker(p.Breaker.config(x.name, x.observer)); err != nil {
		return nil, err
	}
	if x.bulkhead, err = resilience.NewCompartment(p.Bulkhead.config(x.name, x.observer)); err != nil {
		return nil, err
	}
	x.otel.WatchBreaker(x.breaker)
	x.otel.WatchCompartment(x.bulkhead)
	return x, x.refill(p)
}

// refill replaces the budget and the limiter if the policy has other numbers for them.
func (x *protection) refill(p Policy) error {
	if x.limiter == nil || p.RateLimit != x.has.RateLimit {
		x.limiter = p.RateLimit.limiter()
	}
	if x.budget == nil || p.Retry.Budget != x.has.Retry.Budget {
		budget, err := resilience.NewRetryBudget(p.Retry.Budget.config())
		if err != nil {
			return err
		}
		x.unwatch()
		x.budget, x.unwatch = budget, func() {}
		if p.Retry.Budget.On {
			x.unwatch = x.otel.WatchBudget(x.name, budget)
		}
	}
	x.has = p
	return nil
}

// reconfigure gives the parts another policy's limits. Their state stays.
func (x *protection) reconfigure(p Policy) error {
	if err := errors.Join(
		x.breaker.Reconfigure(p.Breaker.config("", nil)),
		x.bulkhead.Reconfigure(p.Bulkhead.config("", nil)),
		x.refill(p),
	); err != nil {
		return fmt.Errorf("%s: %w", x.engine, err)
	}
	return nil
}

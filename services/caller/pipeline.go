package caller

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"reliability/pkg/resilience"
)

// policies are the policies of a document over the parts of one engine, by their names.
func (x *protection) policies(p Policy) map[string]resilience.Policy {
	budget := x.budget
	if !p.Retry.Budget.On {
		budget = nil
	}
	limit := func(l LimitPolicy) resilience.Policy {
		return resilience.Timeout(resilience.TimeoutConfig{Limit: time.Duration(l.Limit), Observer: x.observer})
	}
	return map[string]resilience.Policy{
		policyDeadline:  limit(p.Deadline),
		policyRetry:     resilience.Retry(p.Retry.config(budget, x.observer)),
		policyRateLimit: resilience.RateLimit(resilience.RateLimitConfig{Name: x.name, Limiter: x.limiter, Observer: x.observer}),
		policyTimeout:   limit(p.Timeout),
		policyBreaker: resilience.CircuitBreaker(resilience.CircuitBreakerConfig{
			Breaker: x.breaker, Classify: blame, BlameAfter: time.Duration(p.Breaker.BlameAfter),
		}),
		policyBulkhead: resilience.Bulkhead(x.bulkhead),
	}
}

// refusedOrder says why a chain in the document's order cannot do what it promises, or "".
// What it builds to find out is thrown away.
func refusedOrder(p Policy) string {
	x := &protection{limiter: p.RateLimit.limiter()}
	var err error
	if x.breaker, err = resilience.NewBreaker(resilience.BreakerConfig{}); err != nil {
		return err.Error()
	}
	if x.bulkhead, err = resilience.NewCompartment(p.Bulkhead.config("", nil)); err != nil {
		return err.Error()
	}
	_, err = resilience.Chain(ordered(x.policies(p), p.Order)...)
	wrong, ok := errors.AsType[*resilience.OrderError](err)
	if !ok {
		return ""
	}
	why := make([]string, len(wrong.Problems))
	for i, problem := range wrong.Problems {
		why[i] = problem.String()
	}
	return strings.Join(why, "; ")
}

func ordered(policies map[string]resilience.Policy, order []string) []resilience.Policy {
	list := make([]resilience.Policy, len(order))
	for i, name := range order {
		list[i] = policies[name]
	}
	return list
}

// A pipeline is one chain, ready to be called: the policies of an order, within what
// traces, measures and records.
type pipeline struct {
	handler resilience.Handler
	explain resilience.Explanation // of the policies
}

// pipelines are those of one engine under one policy document, each made when it is first
// asked for. There are no more than orders of six policies.
type pipelines struct {
	policies map[string]resilience.Policy
	call     resilience.Policy // traces and measures the call
	attempt  resilience.Policy // measures an attempt
	standard *pipeline         // in the document's order
	limiter  *rate.Limiter
	made     sync.Map // order, comma separated → *pipeline
}

func (x *protection) pipelines(p Policy, tracer trace.Tracer) (*pipelines, error) {
	all := &pipelines{policies: x.policies(p), call: x.otel.Call(tracer, "call"), attempt: x.otel.Attempt(), limiter: x.limiter}
	var err error
	all.standard, err = all.of(p.Order)
	return all, err
}

func (p *pipelines) of(order []string) (*pipeline, error) {
	key := strings.Join(order, ",")
	if found, ok := p.made.Load(key); ok {
		return found.(*pipeline), nil
	}
	made, err := p.compose(order)
	if err != nil {
		return nil, err
	}
	first, _ := p.made.LoadOrStore(key, made)
	return first.(*pipeline), nil
}

// compose puts what watches an attempt just inside Retry, or outside everything where
// there is none: outside what may cut an attempt short or turn it away, so that it sees
// these too.
func (p *pipelines) compose(order []string) (*pipeline, error) {
	protect := ordered(p.policies, order)
	explain, err := resilience.Explain(0, protect...)
	if err != nil {
		return nil, err
	}
	watched := slices.Insert(protect, slices.Index(order, policyRetry)+1, p.attempt, recording())
	handler, err := resilience.Chain(slices.Concat([]resilience.Policy{resilience.AnyOrder(), p.call}, watched)...)
	if err != nil {
		return nil, err
	}
	return &pipeline{handler, explain}, nil
}

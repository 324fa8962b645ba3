package resilience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// An Op is the operation to protect: one attempt at it. It must return soon after its
// context is done, because no policy abandons a running Op.
type Op func(ctx context.Context) error

// A Handler calls an [Op] under the protection it was built with. It is safe for
// concurrent use.
type Handler func(ctx context.Context, op Op) error

// A Policy is one protection, ready for [Chain]. Make one with [Retry], [Timeout],
// [CircuitBreaker], [Bulkhead], [RateLimit], [Fallback] or [Custom]; the zero Policy is
// refused by Chain. A Policy made from an invalid configuration carries the complaint,
// and Chain returns it, so that one check covers a whole chain.
type Policy struct {
	kind string
	err  error
	wrap func(in *surroundings, next Handler) Handler

	// What the order check and Explain want to know; zero for all other kinds.
	limit       time.Duration // of a Timeout
	retry       *retry
	breaker     Breaker
	compartment *Compartment
	limits      bool // it is a RateLimit
	answers     bool // it is a Fallback
	anyOrder    bool
}

// String returns the policy's kind: "retry", "timeout", "circuit breaker", "bulkhead",
// "rate limit", "fallback", or the name given to [Custom].
func (p Policy) String() string { return p.kind }

// Err returns what is wrong with the configuration the policy was made from, or nil.
func (p Policy) Err() error { return p.err }

// surroundings is what a policy may know of the chain it stands in.
type surroundings struct {
	// cause is what the policy being wrapped, if it is a Timeout, ends its contexts with.
	// It is made anew for each chain: two chains may share a Policy, but not their limits.
	cause *limitCause
	// attemptLimits are the causes of the timeouts between the innermost Retry and the
	// operation: those that cut off a single attempt.
	attemptLimits []*limitCause
}

// Custom makes a policy of a decorator. wrap is called once for each Chain, not for
// each call; the handler it returns must pass op on unchanged.
func Custom(name string, wrap func(next Handler) Handler) Policy {
	p := Policy{kind: name}
	if wrap == nil {
		p.err = &FieldError{Field: "Custom.wrap", Value: "nil", Allowed: "a function"}
		return p
	}
	p.wrap = func(_ *surroundings, next Handler) Handler { return wrap(next) }
	return p
}

// Chain composes policies into a Handler, the outermost first. With no policy the
// handler just calls the operation. The error lists what is wrong with every policy. An
// order in which one of them cannot do what it promises is an [*OrderError], unless
// [AnyOrder] is among them.
//
// All work of composing is done here: a call through the handler costs no closure per
// policy, because each decorates the next and the operation is passed through.
func Chain(outermostFirst ...Policy) (Handler, error) {
	policies, problems, err := checked(outermostFirst)
	if err == nil && len(problems) > 0 {
		err = &OrderError{Problems: problems}
	}
	if err != nil {
		return nil, fmt.Errorf("resilience: chain: %w", err)
	}
	in := &surroundings{}
	causes := make([]*limitCause, len(policies))
	for i, p := range policies {
		switch { // not by kind, which Custom lets anybody choose
		case p.retry != nil:
			in.attemptLimits = nil
		case p.limit > 0:
			causes[i] = &limitCause{p.limit}
			in.attemptLimits = append(in.attemptLimits, causes[i])
		}
	}
	handler := Handler(func(ctx context.Context, op Op) error { return op(ctx) })
	for i, policy := range slices.Backward(policies) {
		in.cause = causes[i]
		handler = policy.wrap(in, handler)
		if handler == nil {
			return nil, fmt.Errorf("resilience: chain: policy %d: %s wraps a handler in nothing", i+1, policy)
		}
	}
	return handler, nil
}

// checked returns the policies that do something, and what is wrong with their order
// unless that was asked for. The error lists what is wrong with each of them.
func checked(outermostFirst []Policy) (policies []Policy, problems []OrderProblem, err error) {
	var errs []error
	anyOrder := false
	for i, p := range outermostFirst {
		switch {
		case p.anyOrder:
			anyOrder = true
			continue
		case p.err != nil:
			errs = append(errs, fmt.Errorf("policy %d: %w", i+1, p.err))
		case p.wrap == nil:
			errs = append(errs, fmt.Errorf("policy %d: the zero Policy protects nothing", i+1))
		}
		policies = append(policies, p)
	}
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	if !anyOrder {
		problems = orderProblems(policies)
	}
	return policies, problems, nil
}

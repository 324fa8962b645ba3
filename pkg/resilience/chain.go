package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An Op is the operation to protect: one attempt at it. It must return soon after its
// context is done, because no policy abandons a running Op.
type Op func(ctx context.Context) error

// A Handler calls an [Op] under the protection it was built with. It is safe for
// concurrent use.
type Handler func(ctx context.Context, op Op) error

// A Policy is one protection, ready for [Chain]. Make one with [Retry], [Timeout],
// [CircuitBreaker] or [Custom]; the zero Policy is refused by Chain. A Policy made from
// an invalid configuration carries the complaint, and Chain returns it, so that one
// check covers a whole chain.
type Policy struct {
	kind    string
	err     error
	limit   time.Duration // of a Timeout, 0 for all others
	retries bool          // it is a Retry
	wrap    func(in *surroundings, next Handler) Handler
}

// String returns the policy's kind: "retry", "timeout", "circuit breaker", or the name
// given to [Custom].
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
// handler just calls the operation. The error lists what is wrong with every policy.
//
// All work of composing is done here: a call through the handler costs no closure per
// policy, because each decorates the next and the operation is passed through.
func Chain(outermostFirst ...Policy) (Handler, error) {
	var errs []error
	in := &surroundings{}
	causes := make([]*limitCause, len(outermostFirst))
	for i, p := range outermostFirst {
		switch {
		case p.err != nil:
			errs = append(errs, fmt.Errorf("policy %d: %w", i+1, p.err))
		case p.wrap == nil:
			errs = append(errs, fmt.Errorf("policy %d: the zero Policy protects nothing", i+1))
		}
		switch { // not by kind, which Custom lets anybody choose
		case p.retries:
			in.attemptLimits = nil
		case p.limit > 0:
			causes[i] = &limitCause{p.limit}
			in.attemptLimits = append(in.attemptLimits, causes[i])
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("resilience: chain: %w", errors.Join(errs...))
	}
	handler := Handler(func(ctx context.Context, op Op) error { return op(ctx) })
	for i := len(outermostFirst) - 1; i >= 0; i-- {
		in.cause = causes[i]
		handler = outermostFirst[i].wrap(in, handler)
		if handler == nil {
			return nil, fmt.Errorf("resilience: chain: policy %d: %s wraps a handler in nothing", i+1, outermostFirst[i])
		}
	}
	return handler, nil
}

// Do calls fn through h and returns its value. On an error the value is the zero T,
// also when fn itself returned both: what a failed attempt left behind is not an answer.
func Do[T any](ctx context.Context, h Handler, fn func(context.Context) (T, error)) (T, error) {
	var value T
	err := h(ctx, func(ctx context.Context) error {
		v, err := fn(ctx)
		if err == nil {
			value = v
		}
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return value, nil
}

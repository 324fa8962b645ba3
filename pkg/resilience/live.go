package resilience

import (
	"context"
	"sync/atomic"
)

// A Live is a chain that can be replaced while calls run through it. Each call ends in
// the chain it began in. What has state of its own (a [Breaker], a [Compartment], a
// [RetryBudget]) keeps it by standing in the new chain too; such a part changes its own
// limits by its Reconfigure. It is safe for concurrent use. The zero Live is an empty
// chain, which just calls the operation.
type Live struct {
	handler atomic.Pointer[Handler]
}

// NewLive returns a Live that begins with the given chain.
func NewLive(outermostFirst ...Policy) (*Live, error) {
	l := &Live{}
	if err := l.Swap(outermostFirst...); err != nil {
		return nil, err
	}
	return l, nil
}

// Swap replaces the chain for every call that begins from now on. A chain that [Chain]
// refuses changes nothing.
func (l *Live) Swap(outermostFirst ...Policy) error {
	h, err := Chain(outermostFirst...)
	if err != nil {
		return err
	}
	l.handler.Store(&h)
	return nil
}

// Call is the [Handler].
func (l *Live) Call(ctx context.Context, op Op) error {
	h := l.handler.Load()
	if h == nil {
		return op(ctx)
	}
	return (*h)(ctx, op)
}

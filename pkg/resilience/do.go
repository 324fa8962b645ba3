package resilience

import (
	"context"
	"sync"
)

// Do calls fn through h and returns its value. On an error the value is the zero T,
// also when fn itself returned both: what a failed attempt left behind is not an answer.
func Do[T any](ctx context.Context, h Handler, fn func(context.Context) (T, error)) (T, error) {
	call := &doCall[T]{Context: ctx, fn: fn}
	err := h(call, call.attempt)
	return call.end(err)
}

// A doCall is one call of Do: its context, by which a [Fallback] finds it, and its value.
// One struct of both, because each would be an allocation.
type doCall[T any] struct {
	context.Context // it is one
	fn              func(context.Context) (T, error)

	// mu protects what follows: a policy of the user's own may hedge, and attempts then
	// outlive the call.
	mu    sync.Mutex
	value T
	over  bool
}

func (c *doCall[T]) attempt(ctx context.Context) error {
	v, err := c.fn(ctx)
	if err == nil {
		c.set(v)
	}
	return err
}

func (c *doCall[T]) set(v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.value = v
	}
}

// forget drops the value of an attempt that the chain did not take for a success.
func (c *doCall[T]) forget() {
	var zero T
	c.set(zero)
}

func (c *doCall[T]) end(err error) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if err != nil {
		var zero T
		return zero, err
	}
	return c.value, nil
}

// Value implements [context.Context].
func (c *doCall[T]) Value(key any) any {
	if key == (holderKey{}) {
		return c
	}
	return c.Context.Value(key)
}

package resilience

import "context"

// Do calls fn through h and returns its value. On an error the value is the zero T,
// also when fn itself returned both: what a failed attempt left behind is not an answer.
func Do[T any](ctx context.Context, h Handler, fn func(context.Context) (T, error)) (T, error) {
	call := &doCall[T]{Context: ctx, fn: fn}
	if err := h(call, call.attempt); err != nil {
		var zero T
		return zero, err
	}
	return call.value, nil
}

// A doCall is one call of Do: its context, by which a [Fallback] finds it, and its value.
// One struct of both, because each would be an allocation.
type doCall[T any] struct {
	context.Context // it is one
	fn              func(context.Context) (T, error)
	value           T
}

func (c *doCall[T]) attempt(ctx context.Context) error {
	v, err := c.fn(ctx)
	if err == nil {
		c.value = v
	}
	return err
}

// Value implements [context.Context].
func (c *doCall[T]) Value(key any) any {
	if key == (holderKey{}) {
		return c
	}
	return c.Context.Value(key)
}

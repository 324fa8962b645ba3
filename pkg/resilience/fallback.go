package resilience

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

const kindFallback = "fallback"

// FallbackConfig configures [Fallback].
type FallbackConfig struct {
	// Answer is called instead of failing. err is what the call ended with; what Answer
	// returns is what the call ends with now. It may pass a value to the caller by [Supply].
	// ctx is the caller's, and may be done. Required.
	Answer func(ctx context.Context, err error) error
	// If says which errors are answered. Nil: all, as long as the caller's context lasts.
	If func(ctx context.Context, err error) bool
	// Observer is told whenever the fallback answers. Nil: nobody.
	Observer Observer
}

// Validate reports every field that cannot be accepted.
func (c FallbackConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.Answer != nil, "FallbackConfig.Answer", "nil", "a function")
	return errors.Join(bad...)
}

// Fallback answers instead of what is inside it when that fails: with a cached value, a
// default, an apology. Let it stand outermost: to what stands further out, a call that a
// fallback answered is a success.
//
// A policy of your own that turns an error into a success should [Supply] the result: Do
// returns that of the last attempt which succeeded by itself.
func Fallback(cfg FallbackConfig) Policy {
	return Policy{
		kind: kindFallback, answers: true,
		err: cfg.Validate(),
		wrap: func(_ *surroundings, next Handler) Handler {
			return func(ctx context.Context, op Op) error {
				err := next(ctx, op)
				if err == nil || !cfg.applies(ctx, err) {
					return err
				}
				if cfg.Observer != nil {
					notify(ctx, cfg.Observer, Event{Kind: EventFallback, Err: err})
				}
				if call, ok := ctx.Value(holderKey{}).(interface{ forget() }); ok {
					call.forget()
				}
				return cfg.Answer(ctx, err)
			}
		},
	}
}

func (c FallbackConfig) applies(ctx context.Context, err error) bool {
	if c.If != nil {
		return c.If(ctx, err)
	}
	return ctx.Err() == nil
}

// Supply makes v the result of the [Do] that ctx belongs to. It is for a Fallback's
// Answer, which ends with it:
//
//	return resilience.Supply(ctx, lastKnownUser)
//
// The error says that there is no Do, or that it returns another type.
func Supply[T any](ctx context.Context, v T) error {
	holder := ctx.Value(holderKey{})
	if call, ok := holder.(*doCall[T]); ok {
		call.set(v)
		return nil
	}
	return fmt.Errorf("resilience: supply: the call does not return a %v", reflect.TypeFor[T]())
}

type holderKey struct{}

package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const kindTimeout = "timeout"

// TimeoutConfig configures [Timeout].
type TimeoutConfig struct {
	// Limit is how long the operation may take. Required, above 0.
	Limit time.Duration
	// Observer is told of every timeout. Nil: nobody.
	Observer Observer
}

// Validate reports every field that cannot be accepted.
func (c TimeoutConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.Limit > 0, "TimeoutConfig.Limit", c.Limit, "above 0")
	return errors.Join(bad...)
}

// Timeout gives what is inside it a deadline. It is cooperative: it ends the context
// and waits for the operation, so that no goroutine is left behind. An operation that
// succeeds after all is a success; one that fails after the limit is a [*TimeoutError],
// whatever it returned. The deadline of the caller's own context is not this limit:
// when that comes first, the operation's error is passed on as it is.
func Timeout(cfg TimeoutConfig) Policy {
	return Policy{
		kind:  kindTimeout,
		err:   cfg.Validate(),
		limit: cfg.Limit,
		wrap: func(in *surroundings, next Handler) Handler {
			cause := in.cause
			return func(ctx context.Context, op Op) error {
				// A caller's deadline that is no later is what will end the operation. Two
				// timers at one moment would leave it to chance whose fault that is.
				if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= cfg.Limit {
					return next(ctx, op)
				}
				limited, cancel := context.WithTimeoutCause(ctx, cfg.Limit, cause)
				defer cancel()
				err := next(limited, op)
				if err == nil || !Ended(limited) || !cause.ended(limited) {
					return err
				}
				err = &TimeoutError{Limit: cfg.Limit, Err: err, cause: cause}
				if cfg.Observer != nil {
					notify(ctx, cfg.Observer, Event{Kind: EventTimeout, Delay: cfg.Limit, Err: err})
				}
				return err
			}
		},
	}
}

// limitCause is the cause with which one Timeout ends its contexts. Its identity tells
// that timeout from every other.
type limitCause struct{ limit time.Duration }

func (c *limitCause) Error() string { return fmt.Sprintf("resilience: limit of %v reached", c.limit) }

// Is makes the cause a deadline to those who ask for one.
func (c *limitCause) Is(target error) bool { return target == context.DeadlineExceeded }

// ended reports whether this limit is what ended ctx.
func (c *limitCause) ended(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), c)
}

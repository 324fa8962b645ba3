package resilience

import (
	"context"
	"errors"
	"fmt"
)

const kindRateLimit = "rate limit"

// A Limiter says whether one more call may be made now. *rate.Limiter of
// golang.org/x/time/rate is one. It must be safe for concurrent use.
type Limiter interface {
	Allow() bool
}

// RateLimitConfig configures [RateLimit].
type RateLimitConfig struct {
	// Name is the limit's name in events and errors. "": "default".
	Name string
	// Limiter is asked before each call. Required.
	Limiter Limiter
	// Observer is told of rejections. Nil: nobody.
	Observer Observer
}

// Validate reports every field that cannot be accepted.
func (c RateLimitConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.Limiter != nil, "RateLimitConfig.Limiter", "nil", "anything with Allow() bool, such as a *rate.Limiter")
	return errors.Join(bad...)
}

// RateLimit turns calls away with a [*RateLimitError] when they come faster than its
// limiter allows. It bounds how often a healthy dependency is called; a circuit breaker,
// which passes everything until something fails, does not.
func RateLimit(cfg RateLimitConfig) Policy {
	setDefault(&cfg.Name, "default")
	return Policy{
		kind: kindRateLimit, limits: true,
		err: cfg.Validate(),
		wrap: func(_ *surroundings, next Handler) Handler {
			return func(ctx context.Context, op Op) error {
				if cfg.Limiter.Allow() {
					return next(ctx, op)
				}
				err := &RateLimitError{Limiter: cfg.Name}
				if cfg.Observer != nil {
					notify(ctx, cfg.Observer, Event{Kind: EventRejected, Name: cfg.Name, Err: err})
				}
				return err
			}
		},
	}
}

// A RateLimitError is a call that a rate limit turned away: the operation never ran.
type RateLimitError struct{ Limiter string }

func (e *RateLimitError) Error() string {
	return fmt.Sprintf("resilience: rate limit %q reached", e.Limiter)
}

// Rejected is true: see [Rejected].
func (e *RateLimitError) Rejected() bool { return true }

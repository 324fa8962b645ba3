package resilience

import (
	"context"
	"errors"
	"slices"
	"time"
)

const kindCircuitBreaker = "circuit breaker"

// errUnwound explains the failure of an operation that panicked or ended its goroutine.
var errUnwound = errors.New("resilience: the operation panicked or called runtime.Goexit")

// CircuitBreakerConfig configures [CircuitBreaker].
type CircuitBreakerConfig struct {
	// Breaker is asked before each call. Required. It may stand in several chains: one
	// breaker for each dependency.
	Breaker Breaker
	// Classify says what an error says about the dependency. It is not asked about nil
	// (a success), about rejections from further in (neutral), or about calls whose
	// context ended, which are judged by who ended it. Nil: every error is a failure.
	Classify func(ctx context.Context, err error) Outcome
	// BlameAfter makes a call whose caller went away a failure of the dependency after
	// all, if it had run for at least this long. 0: never.
	BlameAfter time.Duration
}

// Validate reports every field that cannot be accepted.
func (c CircuitBreakerConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.Breaker != nil, "CircuitBreakerConfig.Breaker", "nil", "a breaker, see NewBreaker")
	bad.require(c.BlameAfter >= 0, "CircuitBreakerConfig.BlameAfter", c.BlameAfter, "0 or above")
	return errors.Join(bad...)
}

// CircuitBreaker hangs a "closed" sign on the door of a dependency that keeps failing:
// each call asks the breaker, and is turned away with an [*OpenError] while it is open.
//
// Who is to blame for an operation cut off by its context: the dependency, if a
// [Timeout] of the same chain between the innermost [Retry] and the operation did it,
// wherever that stands; otherwise nobody, because the caller went away, or its own
// deadline or an overall timeout passed.
func CircuitBreaker(cfg CircuitBreakerConfig) Policy {
	return Policy{
		kind: kindCircuitBreaker, breaker: cfg.Breaker,
		err: cfg.Validate(),
		wrap: func(in *surroundings, next Handler) Handler {
			c := &circuitBreaker{cfg: cfg, in: in, next: next, base: time.Now()}
			return c.call
		},
	}
}

type circuitBreaker struct {
	cfg  CircuitBreakerConfig
	in   *surroundings
	next Handler
	base time.Time // times are durations since then
}

func (c *circuitBreaker) call(ctx context.Context, op Op) error {
	permit, err := c.cfg.Breaker.Acquire(ctx)
	if err != nil {
		return err
	}
	var begin time.Duration
	if c.cfg.BlameAfter > 0 {
		begin = time.Since(c.base)
	}
	// A panic and runtime.Goexit unwind too; a probe that vanished without a word would hold
	// the breaker half-open.
	defer func() {
		if permit.Live() {
			permit.Done(ctx, Failure, errUnwound)
		}
	}()
	if err := c.next(ctx, op); err != nil {
		c.judge(ctx, &permit, begin, err)
		return err
	}
	settler := permit.settler // Done by hand: the compiler does not inline it, and this is the usual way
	permit.settler = nil
	settler.Settle(ctx, permit.ticket, Success, nil)
	return nil
}

// judge settles the permit of a call that failed with err: as a failure too if Classify
// panics.
func (c *circuitBreaker) judge(ctx context.Context, permit *Permit, begin time.Duration, err error) {
	outcome := Failure
	defer func() { permit.Done(ctx, outcome, err) }()
	outcome = c.classify(ctx, begin, err)
}

func (c *circuitBreaker) classify(ctx context.Context, begin time.Duration, err error) Outcome {
	switch {
	case Rejected(err):
		return Neutral
	case c.attemptTimedOut(err): // within the breaker, whose own context tells nothing of it
		return Failure
	case Ended(ctx):
		for _, limit := range c.in.attemptLimits {
			if limit.ended(ctx) {
				return Failure
			}
		}
		if c.cfg.BlameAfter > 0 && time.Since(c.base)-begin >= c.cfg.BlameAfter {
			return Failure
		}
		return Neutral
	case c.cfg.Classify != nil:
		return c.cfg.Classify(ctx, err)
	default:
		return Failure
	}
}

// attemptTimedOut reports whether err is what an attempt's own limit made of it.
func (c *circuitBreaker) attemptTimedOut(err error) bool {
	timeout, ok := errors.AsType[*TimeoutError](err)
	return ok && slices.Contains(c.in.attemptLimits, timeout.cause)
}

package resilience

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const kindRetry = "retry"

// Bounds of RetryConfig: beyond them a value is a slip of the pen.
const (
	maxAttemptsAllowed = 100
	maxDelayAllowed    = 24 * time.Hour
)

// RetryConfig configures [Retry]. The zero value is usable.
type RetryConfig struct {
	// MaxAttempts counts all attempts, the first included. 0: 4. 1: no retry.
	MaxAttempts int
	// Base is the ceiling of the first delay. 0: 50 ms, or Max if that is less.
	Base time.Duration
	// Max is the ceiling of every delay. 0: 2 s, or Base if that is larger.
	Max time.Duration
	// Multiplier is by what the ceiling grows with each attempt. 0: 2.
	Multiplier float64
	// Jitter spreads the delays. Zero value: [JitterFull].
	Jitter Jitter
	// MaxElapsed is how long after the call began an attempt may still start.
	// 0: as long as the caller's context lasts.
	MaxElapsed time.Duration
	// MaxRetryAfter is the longest wait that an error may ask for by a method
	// RetryAfter() time.Duration, as HTTP's Retry-After does (RFC 9110, 10.2.3). Such a wait
	// is a floor: jitter never undercuts it, nothing shortens it, and a call that would have
	// to wait longer ends at once. 0: 30 s.
	MaxRetryAfter time.Duration
	// Budget bounds the retries of all calls together. It is charged before the wait. One
	// budget serves one dependency. Nil: none.
	Budget *RetryBudget
	// RetryIf says whether an error is worth another attempt. It has the last word, also
	// over [Permanent]. Nil: [Retryable].
	RetryIf func(ctx context.Context, err error) bool
	// Rand returns a number in [0, 1) for the delay after the given attempt of the call
	// that ctx belongs to; it makes delays reproducible. Beyond its bounds it is cut off.
	// Nil: math/rand/v2.
	Rand func(ctx context.Context, attempt int) float64
	// Observer is told of attempts, retries and giving up. Nil: nobody.
	Observer Observer
}

// Validate reports every field that cannot be accepted.
func (c RetryConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.MaxAttempts >= 0 && c.MaxAttempts <= maxAttemptsAllowed, "RetryConfig.MaxAttempts", c.MaxAttempts,
		"1 to 100, or 0 for 4")
	bad.require(c.Base >= 0 && c.Base <= maxDelayAllowed, "RetryConfig.Base", c.Base, "above 0 and at most 24h, or 0 for 50ms")
	bad.require(c.Max >= 0 && c.Max <= maxDelayAllowed, "RetryConfig.Max", c.Max, "above 0 and at most 24h, or 0 for 2s")
	bad.require(c.Max <= 0 || c.Max >= c.withDefaults().Base, "RetryConfig.Max", c.Max, "at least Base")
	bad.require(c.MaxElapsed >= 0, "RetryConfig.MaxElapsed", c.MaxElapsed, "above 0, or 0 for no limit")
	bad.require(c.MaxRetryAfter >= 0 && c.MaxRetryAfter <= maxDelayAllowed, "RetryConfig.MaxRetryAfter", c.MaxRetryAfter,
		"above 0 and at most 24h, or 0 for 30s")
	bad.require(c.Multiplier == 0 || c.Multiplier >= 1 && c.Multiplier <= 100, "RetryConfig.Multiplier", c.Multiplier,
		"1 to 100, or 0 for 2")
	bad.require(c.Jitter <= JitterDecorrelated, "RetryConfig.Jitter", uint8(c.Jitter), "full, none, equal or decorrelated")
	return errors.Join(bad...)
}

func (c RetryConfig) withDefaults() RetryConfig {
	setDefault(&c.MaxAttempts, 4)
	if c.Max > 0 {
		setDefault(&c.Base, min(50*time.Millisecond, c.Max))
	}
	setDefault(&c.Base, 50*time.Millisecond)
	setDefault(&c.Max, max(2*time.Second, c.Base))
	setDefault(&c.Multiplier, 2)
	setDefault(&c.MaxRetryAfter, 30*time.Second)
	if c.RetryIf == nil {
		c.RetryIf = func(_ context.Context, err error) bool { return Retryable(err) }
	}
	if c.Rand == nil {
		c.Rand = func(context.Context, int) float64 { return rand.Float64() }
	}
	return c
}

// Retry knocks again: it calls what is inside it until that succeeds, up to
// MaxAttempts times, with growing, jittered delays between. It never waits after the
// last attempt, gives up at once when the next attempt could only start after the
// caller's deadline, and does not call an operation whose context is already done.
// [AttemptNumber] tells the operation which attempt it is.
func Retry(cfg RetryConfig) Policy {
	full := cfg.withDefaults()
	r := retry{cfg: full}
	r.backoff = backoff{base: full.Base, max: full.Max, multiplier: full.Multiplier, jitter: full.Jitter}
	return Policy{
		kind: kindRetry, retry: &r,
		err: cfg.Validate(),
		wrap: func(_ *surroundings, next Handler) Handler {
			return func(ctx context.Context, op Op) error { return r.call(ctx, op, next) }
		},
	}
}

type retry struct {
	cfg     RetryConfig
	backoff backoff
}

func (r *retry) call(ctx context.Context, op Op, next Handler) error {
	if ctx.Err() != nil {
		return r.giveUp(ctx, &RetryError{Reason: StopContext, rejected: true})
	}
	attemptCtx := ctx            // the first attempt travels without a number of its own
	if AttemptNumber(ctx) != 1 { // a Retry further out has numbered its attempt; ours begin anew
		attemptCtx = context.WithValue(ctx, attemptKey{}, 1)
	}
	var begin time.Time
	if r.cfg.MaxElapsed > 0 {
		begin = time.Now()
	}
	err := next(attemptCtx, op)
	r.observe(ctx, Event{Kind: EventAttempt, Attempt: 1, Err: err})
	if err != nil {
		err = r.again(ctx, op, next, begin, err)
	}
	if err == nil && r.cfg.Budget != nil {
		r.cfg.Budget.Deposit()
	}
	return err
}

// again makes the attempts after a first one that failed with err. It is apart from call
// so that a call which succeeds at once pays for none of this.
func (r *retry) again(ctx context.Context, op Op, next Handler, begin time.Time, err error) error {
	var delay time.Duration
	rejected := true
	for attempt := 1; ; attempt++ {
		rejected = rejected && Rejected(err)
		end := &RetryError{Attempts: attempt, Last: err, rejected: rejected}
		if end.Reason = r.stop(ctx, attempt, err); end.Reason != "" {
			return r.giveUp(ctx, end)
		}
		delay = r.backoff.delay(attempt, delay, min(max(r.cfg.Rand(ctx, attempt), 0), 1))
		asked := retryAfter(err)
		pause := max(delay, asked) // what one answer asks for is no part of the back-off
		if end.Reason = r.tooLong(ctx, begin, asked, pause); end.Reason != "" {
			end.Delay = pause
			return r.giveUp(ctx, end)
		}
		if r.cfg.Budget != nil && !r.cfg.Budget.Withdraw() {
			end.Reason = StopBudget
			return r.giveUp(ctx, end)
		}
		r.observe(ctx, Event{Kind: EventRetry, Attempt: attempt, Delay: pause, Err: err})
		if !wait(ctx, pause) {
			end.Reason = StopContext
			return r.giveUp(ctx, end)
		}
		err = next(context.WithValue(ctx, attemptKey{}, attempt+1), op)
		r.observe(ctx, Event{Kind: EventAttempt, Attempt: attempt + 1, Err: err})
		if err == nil {
			return nil
		}
	}
}

// stop says why the failed attempt must be the last, or "" if another may follow.
func (r *retry) stop(ctx context.Context, attempt int, err error) StopReason {
	switch {
	case Ended(ctx):
		return StopContext
	case !r.cfg.RetryIf(ctx, err):
		return StopNotRetryable
	case attempt >= r.cfg.MaxAttempts:
		return StopAttempts
	}
	return ""
}

// tooLong says why there can be no attempt after such a pause, or "".
func (r *retry) tooLong(ctx context.Context, begin time.Time, asked, pause time.Duration) StopReason {
	if asked > r.cfg.MaxRetryAfter {
		return StopRetryAfter
	}
	if r.cfg.MaxElapsed > 0 && time.Since(begin)+pause > r.cfg.MaxElapsed {
		return StopElapsed
	}
	if deadline, ok := ctx.Deadline(); ok && pause >= time.Until(deadline) {
		return StopDeadline
	}
	return ""
}

// giveUp ends the call. A first attempt that is the last for want of a reason to try
// again says all there is to say by its own error.
func (r *retry) giveUp(ctx context.Context, end *RetryError) error {
	var err error = end
	switch {
	case end.Reason == StopContext:
		end.Cause, end.ctxErr = context.Cause(ctx), ctx.Err()
	case end.Attempts == 1 && (end.Reason == StopNotRetryable || end.Reason == StopAttempts):
		err = end.Last
	}
	r.observe(ctx, Event{Kind: EventGiveUp, Attempt: end.Attempts, Reason: end.Reason, Err: err})
	return err
}

func (r *retry) observe(ctx context.Context, e Event) {
	if r.cfg.Observer != nil {
		notify(ctx, r.cfg.Observer, e)
	}
}

// wait sleeps for d and reports true, or false as soon as ctx is done.
func wait(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

type attemptKey struct{}

// AttemptNumber returns which attempt of its call ctx belongs to, from 1, as the innermost
// [Retry] counts. A context that none has numbered belongs to a first attempt.
func AttemptNumber(ctx context.Context) int {
	if n, ok := ctx.Value(attemptKey{}).(int); ok {
		return n
	}
	return 1
}

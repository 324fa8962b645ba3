package resilienceotel

import (
	"context"
	"time"

	"reliability/pkg/resilience"
)

// Attempt is a policy that measures how long each attempt takes, by its type and outcome.
// Its place is just inside Retry and outside what may cut an attempt short or turn it
// away, so that it sees these too. It also tells the call how many attempts it made, if
// Retry has no observer to do so.
func (o *Observer) Attempt() resilience.Policy {
	return resilience.Custom("measure", func(next resilience.Handler) resilience.Handler {
		if o.metrics == nil {
			return next
		}
		first, again := o.metrics.attempt("first"), o.metrics.attempt("retry")
		return func(ctx context.Context, op resilience.Op) (err error) {
			number, kind := resilience.AttemptNumber(ctx), first
			if number > 1 {
				kind = again
			}
			begin, returned := time.Now(), false
			defer func() {
				var value any
				if !returned {
					value = recover()
				}
				kind.record(ctx, ended(ctx, err, returned, value), time.Since(begin))
				if c := callOf(ctx); c != nil {
					c.attempts.Store(int64(number))
				}
				if value != nil {
					panic(value)
				}
			}()
			err = next(ctx, op)
			returned = true
			return err
		}
	})
}

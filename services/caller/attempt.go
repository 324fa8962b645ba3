package caller

import (
	"context"
	"errors"
	"math"
	"time"

	"reliability/pkg/resilience"
)

// An Attempt is what happened to one attempt of a call.
type Attempt struct {
	Attempt    int     `json:"attempt"`  // from 1
	StartMS    float64 `json:"start_ms"` // after the call's own start
	DurationMS float64 `json:"duration_ms"`
	Result     string  `json:"result"`              // ok, error, timeout, rejected or canceled
	Phase      string  `json:"phase,omitempty"`     // where it failed: dial or response
	Status     int     `json:"status,omitempty"`    // of the answer, if there was one
	ServedBy   string  `json:"served_by,omitempty"` // the replica that answered
	Error      string  `json:"error,omitempty"`
}

const (
	phaseDial     = "dial"
	phaseResponse = "response"
)

// A record is the attempts of one call so far. The attempts of a call follow one another,
// so it needs no lock.
type record struct {
	begin    time.Time
	attempts []Attempt
}

type recordKey struct{}

// recording is the policy that notes each attempt. It stands inside Retry and outside
// what may cut an attempt short or turn it away, so that it sees these too.
func recording() resilience.Policy {
	return resilience.Custom("record", func(next resilience.Handler) resilience.Handler {
		return func(ctx context.Context, op resilience.Op) error {
			rec := ctx.Value(recordKey{}).(*record)
			begin := time.Now()
			rec.attempts = append(rec.attempts, Attempt{
				Attempt: resilience.AttemptNumber(ctx), StartMS: milliseconds(begin.Sub(rec.begin)),
			})
			err := next(ctx, op)
			a := rec.current()
			a.DurationMS, a.Result = milliseconds(time.Since(begin)), result(ctx, err)
			if err != nil {
				a.Error = err.Error()
			}
			return err
		}
	})
}

// current is the attempt being made.
func (r *record) current() *Attempt { return &r.attempts[len(r.attempts)-1] }

func result(ctx context.Context, err error) string {
	_, timedOut := errors.AsType[*resilience.TimeoutError](err)
	switch {
	case err == nil:
		return "ok"
	case resilience.Rejected(err):
		return "rejected"
	case timedOut:
		return "timeout"
	case ctx.Err() != nil:
		return "canceled"
	}
	return "error"
}

// milliseconds keeps what a reader can use: three decimals.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

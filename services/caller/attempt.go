package caller

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"time"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
)

// An Attempt is what happened to one attempt of a call.
type Attempt struct {
	Attempt    int     `json:"attempt"`  // from 1
	StartMS    float64 `json:"start_ms"` // after the call's own start
	DurationMS float64 `json:"duration_ms"`
	Result     string  `json:"result"`              // ok, error, timeout, rejected or canceled
	Phase      string  `json:"phase,omitempty"`     // where it failed: dial or response
	Cause      string  `json:"cause,omitempty"`     // what failed, in one word
	Status     int     `json:"status,omitempty"`    // of the answer, if there was one
	ServedBy   string  `json:"served_by,omitempty"` // the replica that answered
	Reused     bool    `json:"reused,omitempty"`    // on a connection that was kept
	Error      string  `json:"error,omitempty"`

	answer []byte // the body, if nothing failed
}

const (
	phaseDial     = "dial"
	phaseResponse = "response"
)

// Results of an attempt.
const (
	resultOK       = "ok"
	resultError    = "error"
	resultTimeout  = "timeout"
	resultRejected = "rejected"
	resultCanceled = "canceled"
)

// causeOther is a cause without a name.
const causeOther = "other"

// A record is the attempts of one call so far. The attempts of a call follow one another,
// so it needs no lock.
type record struct {
	begin    time.Time
	callID   string // which every attempt sends
	attempts []Attempt
	room     [1]Attempt // for the first, which mostly is the only one

	trace     httptrace.ClientTrace
	connected atomic.Bool // the current attempt has a connection
}

// newRecord returns a record, and the context by which the call's attempts find it.
func newRecord(ctx context.Context, callID string) (context.Context, *record) {
	r := &record{begin: time.Now(), callID: callID}
	r.attempts = r.room[:0]
	r.trace.GotConn = func(info httptrace.GotConnInfo) {
		if c, ok := info.Conn.(*tls.Conn); ok {
			_ = c.SetDeadline(time.Time{}) // that of the handshake; a broken connection says so by itself
		}
		r.connected.Store(true)
		r.current().Reused = info.Reused
	}
	return httptrace.WithClientTrace(context.WithValue(ctx, recordKey{}, r), &r.trace), r
}

type recordKey struct{}

// recording is the policy that notes each attempt.
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
				a.Error, a.Cause = err.Error(), cause(a.Result, err)
			}
			return err
		}
	})
}

// current is the attempt being made.
func (r *record) current() *Attempt { return &r.attempts[len(r.attempts)-1] }

// result is the word that the metric has for the same attempt, in fewer letters.
func result(ctx context.Context, err error) string {
	switch o := resilienceotel.Outcome(ctx, err); o {
	case outcomeSuccess:
		return resultOK
	case outcomeFailure:
		return resultError
	default:
		return o // timeout, rejected or canceled
	}
}

// cause tells apart what a reader of the answer would otherwise guess from error texts,
// which differ from one system to the next.
func cause(result string, err error) string {
	if result == resultTimeout || result == resultCanceled {
		return result
	}
	if _, ok := errors.AsType[*resilience.OpenError](err); ok {
		return "open"
	}
	if _, ok := errors.AsType[*resilience.BulkheadError](err); ok {
		return "bulkhead"
	}
	if _, ok := errors.AsType[*resilience.RateLimitError](err); ok {
		return "rate_limit"
	}
	if _, ok := errors.AsType[*StatusError](err); ok {
		return "status"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "lookup"
	}
	network, _ := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.Is(err, io.EOF):
		return "closed" // before an answer began
	case network != nil && network.Timeout():
		return "timeout" // a dial's own
	}
	return causeOther
}

// milliseconds keeps what a reader can use: three decimals.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

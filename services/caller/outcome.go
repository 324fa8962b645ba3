package caller

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"reliability/internal/serve"
	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
	"reliability/services/internal/engine"
)

// Outcomes of a call, the same words as on its span and in the metrics.
const (
	outcomeSuccess  = "success"
	outcomeFailure  = "failure"
	outcomeTimeout  = "timeout"
	outcomeRejected = "rejected"
	outcomeCanceled = "canceled"
)

// An outcome is how a call ended, in one word, and what the client is told.
type outcome struct {
	name       string
	status     int
	retryAfter time.Duration // 0: nothing to say
}

// outcomeOf is the only place where an error becomes a status. ctx is the client's, its
// own deadline included.
func outcomeOf(ctx context.Context, err error) outcome {
	o := outcome{name: resilienceotel.Outcome(ctx, err)}
	switch o.name {
	case outcomeSuccess:
		o.status = http.StatusOK
		return o
	case outcomeTimeout:
		o.status = http.StatusGatewayTimeout
	case outcomeCanceled:
		o.status = engine.StatusClientGone
	case outcomeRejected: // no attempt reached the dependency
		o.status = http.StatusServiceUnavailable
	default:
		o.status = failedStatus(err)
	}
	if errors.Is(context.Cause(ctx), serve.ErrShutdown) { // the client is still there
		o.status = http.StatusServiceUnavailable
	}
	if _, limited := errors.AsType[*resilience.RateLimitError](err); limited && o.name == outcomeRejected {
		o.status = http.StatusTooManyRequests
	}
	// Also where the breaker opened under way: the next call would be turned away.
	if open, ok := errors.AsType[*resilience.OpenError](err); ok {
		o.retryAfter = open.RetryAfter()
	} else if failed, ok := errors.AsType[*StatusError](err); ok {
		o.retryAfter = failed.RetryAfter()
	}
	return o
}

// failedStatus is 502, but for what the dependency says of a charge: that the client's own
// Idempotency-Key is in use, or used for something else.
func failedStatus(err error) int {
	if _, keyed := errors.AsType[*keyedError](err); !keyed {
		return http.StatusBadGateway
	}
	if failed, ok := errors.AsType[*StatusError](err); ok &&
		(failed.StatusCode == http.StatusConflict || failed.StatusCode == http.StatusUnprocessableEntity) {
		return failed.StatusCode
	}
	return http.StatusBadGateway
}

// maxRetryAfter bounds what clients are told to wait: the dependency may say anything.
const maxRetryAfter = 24 * time.Hour

// seconds rounds up, because a client that comes back early comes back for nothing.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(min(d, maxRetryAfter).Seconds()))) }

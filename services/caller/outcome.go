package caller

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"reliability/internal/serve"
	"reliability/pkg/resilience"
	"reliability/services/internal/engine"
)

// An outcome is how a call ended, in one word, and what the client is told.
type outcome struct {
	name       string
	status     int
	retryAfter time.Duration // 0: nothing to say
}

// outcomeOf is the only place where an error becomes a status. ctx is the client's.
func outcomeOf(ctx context.Context, err error) outcome {
	var o outcome
	_, timedOut := errors.AsType[*resilience.TimeoutError](err)
	gaveUp, _ := errors.AsType[*resilience.RetryError](err)
	switch {
	case err == nil:
		return outcome{name: "success", status: http.StatusOK}
	case errors.Is(context.Cause(ctx), serve.ErrShutdown): // the client is still there
		return outcome{name: "canceled", status: http.StatusServiceUnavailable}
	case ctx.Err() != nil:
		o = outcome{name: "canceled", status: engine.StatusClientGone}
	case resilience.Rejected(err): // no attempt reached the dependency
		o = outcome{name: "rejected", status: http.StatusServiceUnavailable}
	case timedOut, gaveUp != nil && gaveUp.Reason == resilience.StopDeadline:
		o = outcome{name: "timeout", status: http.StatusGatewayTimeout}
	default:
		o = outcome{name: "failed", status: http.StatusBadGateway}
	}
	// Also where the breaker opened under way: the next call would be turned away.
	if open, ok := errors.AsType[*resilience.OpenError](err); ok {
		o.retryAfter = open.RetryAfter()
	}
	return o
}

// seconds rounds up, because a client that comes back early comes back for nothing.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

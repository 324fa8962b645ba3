package resiliencehttp

import (
	"context"
	"errors"
	"net/http"
	"time"
)

var errRequestCanceled = errors.New("resiliencehttp: the request was cancelled by its Cancel channel")

// callerContext is the request's context, which also ends when its Cancel channel is
// closed: the old way to call a request off, and how http.Client.Timeout does it for a
// RoundTripper that it does not know. Either is the caller going away. The function ends
// it and gives back what it holds; it must be called.
func callerContext(req *http.Request) (context.Context, context.CancelFunc) {
	gone := req.Cancel //nolint:staticcheck // deprecated, but used
	if gone == nil {
		return req.Context(), func() {}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	go func() {
		select {
		case <-gone:
			if !endsByItself(req.Context()) {
				cancel(errRequestCanceled)
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// timerGrace is how much later than another timer that of a context may be.
const timerGrace = 100 * time.Millisecond

// endsByItself reports whether ctx is over, or is so in a moment: http.Client.Timeout is
// the context's deadline and closes Cancel at the same time, and the call should not be a
// timeout or a cancellation by chance.
func endsByItself(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); !ok || time.Now().Before(deadline) {
		return ctx.Err() != nil
	}
	patience := time.NewTimer(timerGrace)
	defer patience.Stop()
	select {
	case <-ctx.Done():
	case <-patience.C:
	}
	return ctx.Err() != nil
}

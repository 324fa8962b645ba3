package resiliencehttp

import (
	"context"
	"errors"
	"net/http"

	"reliability/pkg/resilience"
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
			// http.Client.Timeout is the context's deadline too, and the call should not be a
			// timeout or a cancellation by chance.
			if !resilience.Ended(req.Context()) {
				cancel(errRequestCanceled)
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

package resilience

import (
	"context"
	"time"
)

// timerGrace is how late the timer of a context may be.
const timerGrace = 100 * time.Millisecond

// Ended reports whether ctx is over, or is so in a moment: what to ask after an operation
// has failed, before the error is blamed on anybody. Retry, Timeout and CircuitBreaker do.
//
// An operation may know its deadline from ctx.Deadline and stop by a timer of its own (a
// connection's deadline, say), which need not be later than that of the context. Then the
// context's is about to fire, and only with it will anyone know whose limit it was; so
// Ended waits for it, at most 100 ms, where the deadline has passed. A context of a
// foreign kind that then still has not ended does not keep its word, and is not over.
func Ended(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	if deadline, ok := ctx.Deadline(); !ok || ctx.Done() == nil || time.Now().Before(deadline) {
		return false
	}
	patience := time.NewTimer(timerGrace)
	defer patience.Stop()
	select {
	case <-ctx.Done():
	case <-patience.C:
	}
	return ctx.Err() != nil
}

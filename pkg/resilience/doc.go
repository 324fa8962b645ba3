// Package resilience keeps a caller alive while what it calls misbehaves.
//
// A retry is knocking again, a timeout is giving up, a circuit breaker is a
// "closed" sign on the door. Each is a [Policy]; [Chain] composes them, the
// outermost first, into a [Handler] that is built once and used for every call:
//
//	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{Name: "payments"})
//	...
//	handler, err := resilience.Chain(
//		resilience.Retry(resilience.RetryConfig{MaxAttempts: 4}),
//		resilience.Timeout(resilience.TimeoutConfig{Limit: 250 * time.Millisecond}),
//		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}),
//	)
//	...
//	user, err := resilience.Do(ctx, handler, fetchUser)
//
// Read from the left, that is Retry(Timeout(CircuitBreaker(call))): a retry makes
// attempts, each attempt has a deadline, each attempt asks the breaker.
//
// # Errors
//
// Every error is worth a retry unless it says otherwise. [Permanent] marks one that
// is not; a local rejection (the breaker is open) says so itself, see [Rejected].
// A call that ended on its first attempt with nothing to explain returns the
// operation's own error, otherwise a [*RetryError] or [*TimeoutError] says what
// happened; errors.Is and errors.As find every cause.
//
// # Watching
//
// Every decision is an [Event] for the optional [Observer]: the attempt that ended,
// the retry with its delay, the timeout, the rejection, the breaker's transition and
// the counts behind it. Without an observer nothing is built and nothing is paid.
//
// # Time
//
// There is no clock to inject. Tests run in a testing/synctest bubble, where time is
// virtual and exact.
//
// The package imports the standard library only, so that its files can be copied into
// any module; breakertest next to it needs this package's new import path.
package resilience

// Package resilience keeps a caller alive while what it calls misbehaves.
//
// A retry is knocking again, a timeout is giving up, a circuit breaker is a "closed" sign
// on the door. Each is a [Policy]; [Chain] composes them, the outermost first, into a
// [Handler] that is built once and used for every call:
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
// # Order
//
// Read from the left, that is Retry(Timeout(CircuitBreaker(call))): a retry makes
// attempts, each attempt has a deadline, each attempt asks the breaker. Where the others
// stand:
//
//	Fallback        outermost: it answers when all else has failed
//	Retry
//	Timeout         between Retry and the call it limits an attempt, outside Retry the whole
//	RateLimit       inside Retry, because attempts are what the dependency feels
//	CircuitBreaker
//	Bulkhead        innermost: a slot is held while the call runs, not while a retry waits
//
// Other orders compose too. One in which some policy cannot do what it promises is an
// [*OrderError], unless [AnyOrder] is among the policies. [Explain] says what a chain can
// cost before it is used.
//
// # State
//
// A policy is a description; what has state is made apart and put into as many chains as
// call the same dependency: a [Breaker], a [Compartment], a [RetryBudget]. One for each
// dependency (for HTTP: scheme and host), not for each replica and not for each method.
// They live in one process: every replica of a caller has to learn for itself.
//
// [Live] replaces a chain while calls run through it.
//
// # Errors
//
// Every error is worth a retry unless it says otherwise. [Permanent] marks one that is
// not; a local rejection (breaker open, bulkhead full, rate limited) says so itself, see
// [Rejected]. One with a method RetryAfter() time.Duration says how long to wait at least.
// A call that ended on its first attempt with nothing to explain returns the operation's
// own error, otherwise a [*RetryError] or [*TimeoutError] says what happened; errors.Is
// and errors.As find every cause.
//
// # Watching
//
// Every decision is an [Event] for the optional [Observer]: the attempt that ended, the
// retry with its delay, the timeout, the rejection, the breaker's transition and the
// counts behind it. Without an observer nothing is built and nothing is paid.
//
// # Time
//
// There is no clock to inject. Tests run in a testing/synctest bubble, where time is
// virtual and exact.
//
// # Taking it home
//
// The package imports the standard library only, and so do breakertest and resiliencehttp
// next to it: copy the folder into any module, correct the import paths, and leave out
// sonybreaker and resilienceotel or add what they need.
package resilience

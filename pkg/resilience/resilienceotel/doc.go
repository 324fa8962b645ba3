// Package resilienceotel shows what package resilience decides: as spans, span events,
// metrics and log lines.
//
//	observer, err := resilienceotel.NewObserver(resilienceotel.Config{Logger: logger, MeterProvider: meters})
//	...
//	handler, err := resilience.Chain(
//		observer.Call(tracer, "charge"), // or Trace, which measures nothing
//		resilience.Retry(resilience.RetryConfig{Observer: observer}),
//		observer.Attempt(),
//		resilience.Timeout(resilience.TimeoutConfig{Limit: 250 * time.Millisecond, Observer: observer}),
//		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}),
//	)
//
// # Spans
//
// One logical call is one INTERNAL span; the spans of its attempts are its children, made
// by whoever sends them. Decisions are events of the span they happened in. A call that a
// retry saved or a fallback answered leaves its span's status unset: errors that were
// handled are not the operation's. A panic and runtime.Goexit are errors, and go on
// unchanged. A call that a breaker turned away is linked to the trace that opened it, as
// soon as the observer has been told of that.
//
// Give every chain a Call of its own. A chain within an operation that has none reports
// its retries and fallbacks to the Call around it.
//
// # Metrics
//
// Whoever makes the observer chooses the MeterProvider; durations are in seconds.
//
//	name                               instrument           unit          attributes
//	reliability.call.duration          histogram            s             call, outcome
//	reliability.attempt.duration       histogram            s             attempt.type, outcome
//	reliability.retry.delay            histogram            s
//	reliability.retry.given_up         counter              {call}        reason
//	reliability.timeouts               counter              {timeout}
//	reliability.rejections             counter              {rejection}   reason, and whose it is
//	reliability.fallbacks              counter              {call}
//	reliability.breaker.transitions    counter              {transition}  breaker.name, from, to
//	reliability.breaker.would_open     counter              {event}       breaker.name
//	reliability.breaker.lost_probes    counter              {probe}       breaker.name
//	reliability.breaker.state          observable gauge     {breaker}     breaker.name, breaker.state
//	reliability.retry.budget.tokens    observable gauge     {token}       budget.name
//	reliability.call.in_flight         observable up/down   {call}        call
//	reliability.bulkhead.in_flight     observable up/down   {call}        bulkhead.name
//	reliability.bulkhead.waiting       observable up/down   {call}        bulkhead.name
//
// Every attribute has the prefix "reliability." too. The state gauge is 1 for the state
// that a breaker is in and 0 for the others. Units in braces keep exporters from naming a
// count a ratio. An error's text is never an attribute of a metric. What was counted under a
// name stays, and is exported from then on: let calls, breakers, bulkheads, limits and budgets
// have few names, those of dependencies.
//
// The outcome of a call or attempt is success, failure, timeout (a limit or deadline
// passed, or no attempt fitted before it any more), rejected (it never ran), canceled (the
// caller went away), panic or goexit; that of a call also fallback (answered by one,
// instead of failing). The type of an attempt is first or retry. Given up are calls whose
// last failure was not retried, also those that an open breaker turned away: their reason
// is "not retryable".
//
// How long an attempt took cannot be learned from an event, which comes at its end: a
// policy inside Retry, [Observer.Attempt], measures it, and the call's in the same way.
package resilienceotel

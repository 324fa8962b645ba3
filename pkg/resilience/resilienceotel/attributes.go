package resilienceotel

import "go.opentelemetry.io/otel/attribute"

// Names of the attributes on spans, span events, links and measurements.
const (
	CallKey     = attribute.Key("reliability.call")
	OutcomeKey  = attribute.Key("reliability.outcome")
	AttemptsKey = attribute.Key("reliability.attempts") // of a call, in all, those turned away included

	AttemptKey     = attribute.Key("reliability.attempt")      // its number
	AttemptTypeKey = attribute.Key("reliability.attempt.type") // "first" or "retry"
	DelayKey       = attribute.Key("reliability.retry.delay")  // seconds
	BudgetKey      = attribute.Key("reliability.budget.name")
	LimitKey       = attribute.Key("reliability.timeout.limit") // seconds
	ReasonKey      = attribute.Key("reliability.reason")

	BreakerKey  = attribute.Key("reliability.breaker.name")
	StateKey    = attribute.Key("reliability.breaker.state")
	FromKey     = attribute.Key("reliability.breaker.from")
	ToKey       = attribute.Key("reliability.breaker.to")
	ModeKey     = attribute.Key("reliability.breaker.mode")
	FailuresKey = attribute.Key("reliability.breaker.failures") // in a row
	CallsKey    = attribute.Key("reliability.breaker.calls")
	FailedKey   = attribute.Key("reliability.breaker.failed")
	SlowKey     = attribute.Key("reliability.breaker.slow")
	OverdueKey  = attribute.Key("reliability.breaker.overdue")

	BulkheadKey = attribute.Key("reliability.bulkhead.name")
	LimiterKey  = attribute.Key("reliability.ratelimit.name")

	LinkKey = attribute.Key("reliability.link") // "opened the breaker"
)

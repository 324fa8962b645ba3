package caller

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"reliability/internal/document"
	"reliability/pkg/resilience"
)

// Names of the policies, as the order of a pipeline has them.
const (
	policyDeadline  = "deadline"
	policyRetry     = "retry"
	policyRateLimit = "rate_limit"
	policyTimeout   = "timeout"
	policyBreaker   = "breaker"
	policyBulkhead  = "bulkhead"
)

// policyNames has every policy where it belongs, the outermost first.
func policyNames() []string {
	return []string{policyDeadline, policyRetry, policyRateLimit, policyTimeout, policyBreaker, policyBulkhead}
}

// A Policy is how calls are protected, as one JSON document: the same from the environment
// and from the API. Order says which policies are on; the others keep their settings.
type Policy struct {
	Order       []string         `json:"order"`     // the outermost first
	AnyOrder    bool             `json:"any_order"` // also one in which a policy cannot do what it promises
	Deadline    LimitPolicy      `json:"deadline"`  // of a whole call, all its attempts included
	Retry       RetryPolicy      `json:"retry"`     // another attempt where one failed
	RateLimit   RateLimitPolicy  `json:"rate_limit"`
	Timeout     LimitPolicy      `json:"timeout"`  // of an attempt
	Breaker     BreakerPolicy    `json:"breaker"`  // turns attempts away while the dependency keeps failing, or is slow
	Bulkhead    BulkheadPolicy   `json:"bulkhead"` // so many attempts at once
	Connections ConnectionPolicy `json:"connections"`

	given json.RawMessage // the document as it was given, which is what a patch changes
}

// A LimitPolicy is a [resilience.TimeoutConfig].
type LimitPolicy struct {
	Limit document.Duration `json:"limit"`
}

// A RetryPolicy is a [resilience.RetryConfig].
type RetryPolicy struct {
	MaxAttempts   int               `json:"max_attempts"` // the first included
	Base          document.Duration `json:"base"`
	Max           document.Duration `json:"max"`
	Multiplier    float64           `json:"multiplier"`
	Jitter        string            `json:"jitter"`
	Seed          uint64            `json:"seed"`        // of the jitter; 0: none, and every delay is drawn anew
	MaxElapsed    document.Duration `json:"max_elapsed"` // 0s: no limit
	MaxRetryAfter document.Duration `json:"max_retry_after"`
	// On is which failures are worth another attempt: those that one may mend, or all, the
	// request's own faults and charges that may have been made included.
	On string `json:"on"`
	// Exclusive tells those who are called not to retry for themselves, by
	// X-Do-Not-Retry: retries in every layer multiply.
	Exclusive bool         `json:"exclusive"`
	Budget    BudgetPolicy `json:"budget"`
}

// What is worth another attempt.
const (
	retryTransient = "transient"
	retryAll       = "all"
)

// A BudgetPolicy is a [resilience.RetryBudgetConfig]. Each engine has a budget of its own.
type BudgetPolicy struct {
	On    bool    `json:"on"` // off: there is no budget
	Burst int     `json:"burst"`
	Ratio float64 `json:"ratio"`
}

// A RateLimitPolicy is a token bucket.
type RateLimitPolicy struct {
	Rate  float64 `json:"rate"`  // attempts a second
	Burst int     `json:"burst"` // how many may come at once
}

// A BreakerPolicy is a [resilience.BreakerConfig], also in what the document leaves out, and
// BlameAfter of [resilience.CircuitBreakerConfig].
type BreakerPolicy struct {
	Failures    int               `json:"failures"`
	FailureRate float64           `json:"failure_rate"`
	SlowRate    float64           `json:"slow_rate"`
	SlowAfter   document.Duration `json:"slow_after"`
	WindowCalls int               `json:"window_calls"`
	WindowTime  document.Duration `json:"window_time"`
	MinCalls    int               `json:"min_calls"`
	OpenFor     document.Duration `json:"open_for"`
	OpenGrowth  float64           `json:"open_growth"`
	OpenMax     document.Duration `json:"open_max"`
	OpenJitter  float64           `json:"open_jitter"`
	Probes      int               `json:"probes"`
	Lease       document.Duration `json:"lease"`
	BlameAfter  document.Duration `json:"blame_after"` // 0s: never
}

// A BulkheadPolicy is a [resilience.CompartmentConfig]. Each engine has a compartment of
// its own.
type BulkheadPolicy struct {
	MaxConcurrent int               `json:"max_concurrent"`
	MaxQueue      int               `json:"max_queue"`
	MaxWait       document.Duration `json:"max_wait"` // 0s: as long as the call lasts
}

// A ConnectionPolicy says how attempts reach the dependency. A kept connection pins a
// client to one replica, whatever a load balancer of connections does.
type ConnectionPolicy struct {
	Mode   string            `json:"mode"`    // a connection for each request, or a pool of them
	MaxAge document.Duration `json:"max_age"` // of the pool's connections; 0s: no limit
}

// Connection modes.
const (
	connectionsPerRequest = "per_request"
	connectionsPooled     = "pooled"
)

// DefaultPolicy is the system's own order, Retry(Timeout(CircuitBreaker(call))): a retry
// makes attempts, each attempt has a deadline, each attempt asks the breaker. The budget is
// a generous one, so that what retries are good for can be seen; 0.1 is usual.
func DefaultPolicy() Policy {
	p := Policy{
		Order:    []string{policyRetry, policyTimeout, policyBreaker},
		Deadline: LimitPolicy{document.Duration(2 * time.Second)},
		Retry: RetryPolicy{
			MaxAttempts: 4, Base: document.Duration(50 * time.Millisecond), Max: document.Duration(2 * time.Second), Multiplier: 2,
			Jitter: resilience.JitterFull.String(), MaxRetryAfter: document.Duration(30 * time.Second),
			On: retryTransient, Exclusive: true, Budget: BudgetPolicy{On: true, Burst: 50, Ratio: 0.5},
		},
		RateLimit:   RateLimitPolicy{Rate: 100, Burst: 20},
		Timeout:     LimitPolicy{document.Duration(250 * time.Millisecond)},
		Bulkhead:    BulkheadPolicy{MaxConcurrent: 100},
		Connections: ConnectionPolicy{Mode: connectionsPerRequest},
	}
	p.Breaker.complete()
	return p
}

// config is the configuration of a breaker that has this name.
func (b BreakerPolicy) config(name string, observer resilience.Observer) resilience.BreakerConfig {
	return resilience.BreakerConfig{
		Name: name, Failures: b.Failures, FailureRate: b.FailureRate, SlowRate: b.SlowRate, SlowAfter: time.Duration(b.SlowAfter),
		WindowCalls: b.WindowCalls, WindowTime: time.Duration(b.WindowTime), MinCalls: b.MinCalls,
		OpenFor: time.Duration(b.OpenFor), OpenGrowth: b.OpenGrowth, OpenMax: time.Duration(b.OpenMax), OpenJitter: b.OpenJitter,
		Probes: b.Probes, Lease: time.Duration(b.Lease), Observer: observer,
	}
}

// complete says what the document leaves to the library.
func (b *BreakerPolicy) complete() {
	c := b.config("", nil).WithDefaults()
	*b = BreakerPolicy{
		Failures: c.Failures, FailureRate: c.FailureRate, SlowRate: c.SlowRate, SlowAfter: document.Duration(c.SlowAfter),
		WindowCalls: c.WindowCalls, WindowTime: document.Duration(c.WindowTime), MinCalls: c.MinCalls,
		OpenFor: document.Duration(c.OpenFor), OpenGrowth: c.OpenGrowth, OpenMax: document.Duration(c.OpenMax), OpenJitter: c.OpenJitter,
		Probes: c.Probes, Lease: document.Duration(c.Lease), BlameAfter: b.BlameAfter,
	}
}

func (r RetryPolicy) config(budget *resilience.RetryBudget, observer resilience.Observer) resilience.RetryConfig {
	jitter, _ := jitterOf(r.Jitter) // the document has been checked
	var random func(ctx context.Context, attempt int) float64
	if r.Seed > 0 {
		random = seeded(r.Seed)
	}
	return resilience.RetryConfig{
		MaxAttempts: r.MaxAttempts, Base: time.Duration(r.Base), Max: time.Duration(r.Max), Multiplier: r.Multiplier, Jitter: jitter,
		MaxElapsed: time.Duration(r.MaxElapsed), MaxRetryAfter: time.Duration(r.MaxRetryAfter),
		Budget: budget, RetryIf: retryIf(r.On), Rand: random, Observer: observer,
	}
}

func (b BulkheadPolicy) config(name string, observer resilience.Observer) resilience.CompartmentConfig {
	return resilience.CompartmentConfig{
		Name: name, MaxConcurrent: b.MaxConcurrent, MaxQueue: b.MaxQueue, MaxWait: time.Duration(b.MaxWait), Observer: observer,
	}
}

func (b BudgetPolicy) config() resilience.RetryBudgetConfig {
	return resilience.RetryBudgetConfig{Burst: b.Burst, Ratio: b.Ratio}
}

func (r RateLimitPolicy) limiter() *rate.Limiter { return rate.NewLimiter(rate.Limit(r.Rate), r.Burst) }

func jitters() []string {
	names := make([]string, 0, 4)
	for j := resilience.JitterFull; j <= resilience.JitterDecorrelated; j++ {
		names = append(names, j.String())
	}
	return names
}

func jitterOf(name string) (resilience.Jitter, bool) {
	i := slices.Index(jitters(), name)
	return resilience.JitterFull + resilience.Jitter(max(i, 0)), i >= 0
}

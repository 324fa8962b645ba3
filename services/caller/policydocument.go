package caller

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"reliability/internal/document"
	"reliability/pkg/resilience"
)

// Bounds of a policy document, beyond which a value is a slip of the pen.
const (
	maxLimit    = time.Hour
	maxInterval = 24 * time.Hour
	maxCount    = 1<<31 - 1
	maxRate     = 1_000_000
)

// UnmarshalText makes a policy of an environment variable. Nothing is set on an error.
func (p *Policy) UnmarshalText(text []byte) error {
	parsed, err := ParsePolicy(text)
	if err == nil {
		*p = parsed
	}
	return err
}

// UnmarshalJSON makes one of a part of another document.
func (p *Policy) UnmarshalJSON(text []byte) error { return p.UnmarshalText(text) }

// ParsePolicy reads and checks a whole document; what it leaves out is as in
// [DefaultPolicy]. The error is a problem.Fields with every problem in it.
func ParsePolicy(text []byte) (Policy, error) {
	p := DefaultPolicy()
	p.Breaker = BreakerPolicy{} // its defaults hang on what is given
	err := document.Parse(text, document.Object{
		"order":       orderField(&p.Order),
		"any_order":   document.Bool(&p.AnyOrder),
		"deadline":    p.Deadline.field(),
		"retry":       p.Retry.field(),
		"rate_limit":  document.Nested(document.Object{"rate": document.Float(&p.RateLimit.Rate, 0.001, maxRate), "burst": document.Int(&p.RateLimit.Burst, 1, maxRate)}, nil),
		"timeout":     p.Timeout.field(),
		"breaker":     p.Breaker.field(),
		"bulkhead":    p.Bulkhead.field(),
		"connections": p.Connections.field(),
	}, func(v document.Value) {
		if p.AnyOrder {
			return
		}
		if why := refusedOrder(p); why != "" {
			v.Wrong("order", "one in which every policy can do what it promises, or any_order true: "+why)
		}
	})
	if err != nil {
		return Policy{}, err
	}
	p.Breaker.complete()
	p.given = slices.Clone(text)
	return p, nil
}

// orderField is a list of policies, each there once at most.
func orderField(into *[]string) document.Field {
	return document.Field{
		Allowed: "an array of policies, the outermost first, each once at most: " + strings.Join(policyNames(), ", "),
		Read: func(v document.Value) bool {
			order, ok := []string{}, true
			isArray := v.Array(len(policyNames()), func(v document.Value) {
				var name string
				ok = document.OneOf(&name, policyNames()...).Read(v) && !slices.Contains(order, name) && ok
				order = append(order, name)
			})
			*into = order
			return isArray && ok
		},
	}
}

func (l *LimitPolicy) field() document.Field {
	return document.Nested(document.Object{"limit": document.Interval(&l.Limit, time.Millisecond, maxLimit)}, nil)
}

func (r *RetryPolicy) field() document.Field {
	return document.Nested(document.Object{
		"max_attempts":    document.Int(&r.MaxAttempts, 1, 100),
		"base":            document.Interval(&r.Base, 1, maxInterval),
		"max":             document.Interval(&r.Max, 1, maxInterval),
		"multiplier":      document.Float(&r.Multiplier, 1, 100),
		"jitter":          document.OneOf(&r.Jitter, jitters()...),
		"seed":            document.Int(&r.Seed, 0, maxSeed),
		"max_elapsed":     document.Interval(&r.MaxElapsed, 0, maxInterval),
		"max_retry_after": document.Interval(&r.MaxRetryAfter, 1, maxInterval),
		"on":              document.OneOf(&r.On, retryTransient, retryAll),
		"exclusive":       document.Bool(&r.Exclusive),
		"budget": document.Nested(document.Object{
			"on":    document.Bool(&r.Budget.On),
			"burst": document.Int(&r.Budget.Burst, 1, 1_000_000),
			"ratio": document.Float(&r.Budget.Ratio, 0.000001, 1),
		}, nil),
	}, func(v document.Value) {
		if v.Has("base") && !v.Has("max") { // who asks for a long wait need not ask twice
			r.Max = max(r.Max, r.Base)
		}
		if v.Has("max") && !v.Has("base") {
			r.Base = min(r.Base, r.Max)
		}
		complain(v, r.config(nil, nil).Validate())
	})
}

func (b *BreakerPolicy) field() document.Field {
	return document.Nested(document.Object{
		"failures":     document.Int(&b.Failures, 0, maxCount),
		"failure_rate": document.Float(&b.FailureRate, 0, 1),
		"slow_rate":    document.Float(&b.SlowRate, 0, 1),
		"slow_after":   document.Interval(&b.SlowAfter, 0, maxInterval),
		"window_calls": document.Int(&b.WindowCalls, 0, 100_000),
		"window_time":  document.Interval(&b.WindowTime, 0, maxInterval),
		"min_calls":    document.Int(&b.MinCalls, 0, maxCount),
		"open_for":     document.Interval(&b.OpenFor, time.Millisecond, maxInterval),
		"open_growth":  document.Float(&b.OpenGrowth, 1, 100),
		"open_max":     document.Interval(&b.OpenMax, time.Millisecond, maxInterval),
		"open_jitter":  document.Float(&b.OpenJitter, 0, 1),
		"probes":       document.Int(&b.Probes, 1, maxCount),
		"lease":        document.Interval(&b.Lease, time.Millisecond, maxInterval),
		"blame_after":  document.Interval(&b.BlameAfter, 0, maxInterval),
	}, func(v document.Value) {
		for _, engine := range engines() { // one may refuse what the other can do
			_, err := engine.breaker(b.config("", nil))
			complain(v, err)
		}
	})
}

func (b *BulkheadPolicy) field() document.Field {
	return document.Nested(document.Object{
		"max_concurrent": document.Int(&b.MaxConcurrent, 1, 1_000_000),
		"max_queue":      document.Int(&b.MaxQueue, 0, 1_000_000),
		"max_wait":       document.Interval(&b.MaxWait, 0, maxInterval),
	}, func(v document.Value) { complain(v, b.config("", nil).Validate()) })
}

func (c *ConnectionPolicy) field() document.Field {
	return document.Nested(document.Object{
		"mode":    document.OneOf(&c.Mode, connectionsPerRequest, connectionsPooled),
		"max_age": document.Interval(&c.MaxAge, 0, maxInterval),
	}, func(v document.Value) {
		if c.MaxAge > 0 && c.Mode != connectionsPooled {
			v.Wrong("max_age", fmt.Sprintf("0s unless mode is %q", connectionsPooled))
		}
	})
}

// complain adds the library's own complaints, in the words of the document.
func complain(v document.Value, err error) {
	goNames := regexp.MustCompile(`[A-Z][a-z]+(?:[A-Z][a-z]+)*`) // of fields, as the library's errors have them
	for _, e := range fieldErrors(err) {
		_, field, _ := strings.Cut(e.Field, ".")
		v.Wrong(snake(field), goNames.ReplaceAllStringFunc(e.Allowed, snake))
	}
}

// snake makes open_for of OpenFor.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// fieldErrors returns every FieldError in a tree of errors.
func fieldErrors(err error) []*resilience.FieldError {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case *resilience.FieldError:
		return []*resilience.FieldError{e}
	case interface{ Unwrap() []error }:
		var all []*resilience.FieldError
		for _, inner := range e.Unwrap() {
			all = append(all, fieldErrors(inner)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return fieldErrors(errors.Unwrap(err))
}

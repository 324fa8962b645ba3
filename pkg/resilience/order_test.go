package resilience_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"reliability/pkg/resilience"
)

// parts are policies to be put into some order.
type parts struct {
	retry, fallback, rate, breaker, otherBreaker, bulkhead, otherBulkhead, short, long resilience.Policy
}

func makeParts(t *testing.T) parts {
	t.Helper()
	breaker := func() resilience.Policy {
		b, err := resilience.NewBreaker(resilience.BreakerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})
	}
	bulkhead := func() resilience.Policy {
		return resilience.Bulkhead(compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1}))
	}
	return parts{
		retry:    resilience.Retry(resilience.RetryConfig{}),
		fallback: resilience.Fallback(resilience.FallbackConfig{Answer: func(context.Context, error) error { return nil }}),
		rate:     resilience.RateLimit(resilience.RateLimitConfig{Limiter: allow(1)}),
		breaker:  breaker(), otherBreaker: breaker(), bulkhead: bulkhead(), otherBulkhead: bulkhead(),
		short: resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}),
		long:  resilience.Timeout(resilience.TimeoutConfig{Limit: 2 * time.Second}),
	}
}

// TestOrder: which orders are refused, with what words, and which are not.
func TestOrder(t *testing.T) {
	const (
		lateBreaker = "retry inside circuit breaker: the breaker sees one result of many attempts, so it opens late, and each of its probes is a burst"
		looseLimit  = "retry inside rate limit: the limit counts calls, and each may make many attempts, so the dependency gets more than it allows"
		noRetry     = "fallback inside retry: the fallback answers the first failed attempt, so there is never a second"
		blind       = "fallback inside circuit breaker: the fallback hides every failure from the breaker, which never opens"
		idle        = "timeout inside timeout: the outer limit of 1s passes first, so the inner one of 2s never does anything"
		idleEqual   = "timeout inside timeout: the outer limit of 1s passes first, so the inner one of 1s never does anything"
		twice       = "circuit breaker inside circuit breaker: the same breaker twice takes two permits for a call and counts it twice; half-open with one probe it can never close"
		deadlock    = "bulkhead inside bulkhead: the same compartment twice takes two slots for a call, and calls that hold one each wait for each other for ever"
	)
	p := makeParts(t)
	type policies = []resilience.Policy
	for _, c := range []struct {
		name  string
		chain policies
		want  []string
	}{
		{"the system's own", policies{p.retry, p.short, p.breaker}, nil},
		{"everything where it belongs", policies{p.fallback, p.long, p.bulkhead, p.retry, p.rate, p.short, p.breaker}, nil},
		{"breaker outside the timeout", policies{p.retry, p.breaker, p.short}, nil},
		{"a shorter limit inside", policies{p.long, p.retry, p.short}, nil},
		{"two breakers", policies{p.breaker, p.otherBreaker}, nil},
		{"two compartments", policies{p.bulkhead, p.otherBulkhead}, nil},
		{"retries nested", policies{p.retry, p.retry}, nil},
		{"fallback inside bulkhead, limit, timeout and fallback", policies{p.fallback, p.bulkhead, p.rate, p.short, p.fallback}, nil},

		{"retry inside breaker", policies{p.breaker, p.retry}, []string{lateBreaker}},
		{"with others between", policies{p.breaker, p.bulkhead, p.short, p.retry}, []string{lateBreaker}},
		{"retry inside limit", policies{p.rate, p.retry}, []string{looseLimit}},
		{"fallback inside retry", policies{p.retry, p.fallback}, []string{noRetry}},
		{"fallback inside breaker", policies{p.breaker, p.fallback}, []string{blind}},
		{"a longer limit inside", policies{p.short, p.long}, []string{idle}},
		{"the same limit inside", policies{p.short, p.retry, p.short}, []string{idleEqual}},
		{"the same breaker twice", policies{p.breaker, p.bulkhead, p.breaker}, []string{twice}},
		{"the same compartment twice", policies{p.bulkhead, p.bulkhead}, []string{deadlock}},
		{"all that is wrong", policies{p.rate, p.breaker, p.retry, p.fallback}, []string{looseLimit, lateBreaker, blind, noRetry}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := resilience.Chain(c.chain...)
			var got []string
			if order, ok := errors.AsType[*resilience.OrderError](err); ok {
				for _, problem := range order.Problems {
					got = append(got, problem.String())
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("problems %q\nwant %q", got, c.want)
			}
			// The same words are warnings of Explain, and AnyOrder, wherever it stands, lets it through.
			e, err := resilience.Explain(0, c.chain...)
			if err != nil || len(e.Warnings) < len(c.want) || !slices.Equal(e.Warnings[:len(c.want)], c.want) {
				t.Errorf("Explain warns %q, error %v; want first of all %q", e.Warnings, err, c.want)
			}
			for i := range len(c.chain) + 1 {
				if _, err := resilience.Chain(slices.Insert(slices.Clone(c.chain), i, resilience.AnyOrder())...); err != nil {
					t.Errorf("AnyOrder at %d: %v", i, err)
				}
			}
		})
	}
}

func TestOrderErrorText(t *testing.T) {
	p := makeParts(t)
	_, err := resilience.Chain(p.short, p.long, p.long)
	want := "resilience: chain: timeout inside timeout: the outer limit of 1s passes first, so the inner one of 2s never does anything; " +
		"timeout inside timeout: the outer limit of 1s passes first, so the inner one of 2s never does anything; " +
		"timeout inside timeout: the outer limit of 2s passes first, so the inner one of 2s never does anything (AnyOrder lets it through)"
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

// TestABadConfigurationIsToldBeforeAnOrder, which AnyOrder does not excuse.
func TestABadConfigurationIsToldBeforeAnOrder(t *testing.T) {
	p := makeParts(t)
	bad := resilience.Timeout(resilience.TimeoutConfig{})
	for _, policies := range [][]resilience.Policy{{p.breaker, p.retry, bad}, {p.breaker, p.retry, bad, resilience.AnyOrder()}} {
		_, err := resilience.Chain(policies...)
		if field, ok := errors.AsType[*resilience.FieldError](err); !ok || field.Field != "TimeoutConfig.Limit" {
			t.Errorf("error %v", err)
		}
		if _, err := resilience.Explain(0, policies...); err == nil {
			t.Error("explained a chain that cannot be made")
		}
	}
}

// TestAnyOrderDoesNothing else: the chain is the same without it.
func TestAnyOrderDoesNothing(t *testing.T) {
	h := chain(t, resilience.AnyOrder())
	if err := h(t.Context(), func(context.Context) error { return errBoom }); err != errBoom {
		t.Errorf("error %v", err)
	}
	e, err := resilience.Explain(0, resilience.AnyOrder(), resilience.Retry(resilience.RetryConfig{}))
	if err != nil || e.Order != "retry(call)" {
		t.Errorf("order %q, error %v", e.Order, err)
	}
}

// funcBreaker is a breaker whose type cannot be compared.
type funcBreaker struct {
	resilience.Breaker
	_ []func()
}

func TestBreakersThatCannotBeComparedAreDifferent(t *testing.T) {
	b := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: funcBreaker{}})
	chain(t, b, b) // does not panic
}

func TestTheSameBudgetTwiceIsRefused(t *testing.T) {
	shared, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := resilience.NewRetryBudget(resilience.RetryBudgetConfig{})
	if err != nil {
		t.Fatal(err)
	}
	retry := func(b *resilience.RetryBudget) resilience.Policy {
		return resilience.Retry(resilience.RetryConfig{Budget: b})
	}
	if _, err := resilience.Chain(retry(shared), retry(shared)); err == nil || !strings.Contains(err.Error(), "earns twice for one success") {
		t.Errorf("the same budget twice: %v", err)
	}
	if _, err := resilience.Chain(retry(shared), retry(other)); err != nil {
		t.Errorf("two budgets: %v", err)
	}
	if _, err := resilience.Chain(retry(nil), retry(nil)); err != nil {
		t.Errorf("none: %v", err)
	}
}

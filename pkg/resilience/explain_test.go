package resilience_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"reliability/pkg/resilience"
)

func TestExplain(t *testing.T) {
	const s = time.Second
	p := makeParts(t)
	retry := func(n int, change ...func(*resilience.RetryConfig)) resilience.Policy {
		cfg := plain(n) // 100, 200, 400 ms, … at most 10 s
		for _, f := range change {
			f(&cfg)
		}
		return resilience.Retry(cfg)
	}
	queue := func(n int, wait time.Duration) resilience.Policy {
		return resilience.Bulkhead(compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: n, MaxWait: wait}))
	}
	tenth := budget(t, resilience.RetryBudgetConfig{})
	half := budget(t, resilience.RetryBudgetConfig{Ratio: 0.5})
	elapsed := func(d time.Duration) func(*resilience.RetryConfig) {
		return func(c *resilience.RetryConfig) { c.MaxElapsed = d }
	}
	type policies = []resilience.Policy
	for _, c := range []struct {
		name     string
		deadline time.Duration
		chain    policies
		want     resilience.Explanation
	}{
		{"nothing", 0, nil, resilience.Explanation{Order: "call", MostAttempts: 1, LoadFactor: 1}},
		{"the system's own", 0, policies{retry(4), limit(s), p.breaker},
			resilience.Explanation{Order: "retry(timeout(circuitbreaker(call)))", MostAttempts: 4, LongestTime: 4*s + 700*ms, LoadFactor: 4}},
		{"everything", 0, policies{p.fallback, p.bulkhead, p.rate, limit(s)},
			resilience.Explanation{Order: "fallback(bulkhead(ratelimit(timeout(call))))", MostAttempts: 1, LongestTime: s, LoadFactor: 1}},
		{"no retry at all", 0, policies{retry(1), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 1, LongestTime: s, LoadFactor: 1}},
		{"without a timeout, for ever", 0, policies{retry(3)},
			resilience.Explanation{Order: "retry(call)", MostAttempts: 3, LoadFactor: 3}},
		{"an overall limit", 0, policies{limit(3 * s), retry(4), limit(s)},
			resilience.Explanation{Order: "timeout(retry(timeout(call)))", MostAttempts: 4, LongestTime: 3 * s, LoadFactor: 4}},
		{"an overall limit that is never reached", 0, policies{limit(30 * s), retry(4), limit(s)},
			resilience.Explanation{Order: "timeout(retry(timeout(call)))", MostAttempts: 4, LongestTime: 4*s + 700*ms, LoadFactor: 4}},
		{"a budget", 0, policies{retry(4, func(r *resilience.RetryConfig) { r.Budget = tenth }), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: 4*s + 700*ms, LoadFactor: 1.1}},
		{"two budgets: the outer one's retries are calls to the inner one", 0, policies{
			retry(4, func(r *resilience.RetryConfig) { r.Budget = tenth }), retry(2, func(r *resilience.RetryConfig) { r.Budget = half }), limit(s),
		}, resilience.Explanation{Order: "retry(retry(timeout(call)))", MostAttempts: 8, LongestTime: 4*(2*s+100*ms) + 700*ms, LoadFactor: 1.65,
			Warnings: []string{"retries multiply: 4 attempts of 2 attempts each"}}},
		{"a budget outside only", 0, policies{retry(4, func(r *resilience.RetryConfig) { r.Budget = tenth }), retry(2), limit(s)},
			resilience.Explanation{Order: "retry(retry(timeout(call)))", MostAttempts: 8, LongestTime: 4*(2*s+100*ms) + 700*ms, LoadFactor: 2.2,
				Warnings: []string{"retries multiply: 4 attempts of 2 attempts each"}}},
		{"MaxElapsed: the last attempt may begin then", 0, policies{retry(4, elapsed(2*s)), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: 3 * s, LoadFactor: 4}},
		{"a MaxElapsed that is never reached", 0, policies{retry(4, elapsed(time.Hour)), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: 4*s + 700*ms, LoadFactor: 4}},
		{"decorrelated: 300, 900, 2700 ms", 0, policies{retry(4, func(r *resilience.RetryConfig) { r.Jitter = resilience.JitterDecorrelated }), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: 4*s + 3900*ms, LoadFactor: 4}},
		{"a queue", 0, policies{queue(1, 2*s), limit(s)},
			resilience.Explanation{Order: "bulkhead(timeout(call))", MostAttempts: 1, LongestTime: 3 * s, LoadFactor: 1}},
		{"a queue inside the limit", 0, policies{limit(s), queue(1, 2*s)},
			resilience.Explanation{Order: "timeout(bulkhead(call))", MostAttempts: 1, LongestTime: s, LoadFactor: 1}},
		{"a queue of any length of time", 0, policies{queue(1, 0), limit(s)},
			resilience.Explanation{Order: "bulkhead(timeout(call))", MostAttempts: 1, LoadFactor: 1}},
		{"a bulkhead around retries", 0, policies{queue(1, s), retry(2), limit(s)},
			resilience.Explanation{Order: "bulkhead(retry(timeout(call)))", MostAttempts: 2, LongestTime: 3*s + 100*ms, LoadFactor: 2,
				Warnings: []string{"a bulkhead around retries keeps its slot while they wait"}}},
		{"nested retries", 0, policies{retry(2), retry(3), limit(s)},
			resilience.Explanation{Order: "retry(retry(timeout(call)))", MostAttempts: 6, LongestTime: 2*(3*s+300*ms) + 100*ms, LoadFactor: 6,
				Warnings: []string{"retries multiply: 2 attempts of 3 attempts each"}}},
		{"longer than there is time", 4 * s, policies{retry(4), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: 4*s + 700*ms, LoadFactor: 4,
				Warnings: []string{"the caller's deadline is 4s, and a call may take 4.7s"}}},
		{"just as long as there is time", 4*s + 700*ms, policies{retry(4), limit(s)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: 4*s + 700*ms, LoadFactor: 4}},
		{"for ever is longer than anything", time.Hour, policies{retry(2)},
			resilience.Explanation{Order: "retry(call)", MostAttempts: 2, LoadFactor: 2,
				Warnings: []string{"the caller's deadline is 1h0m0s, and a call may take for ever: nothing bounds an attempt, or a wait in a queue"}}},
		{"more than a Duration holds", 0, policies{retry(4), limit(math.MaxInt64 / 2)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 4, LongestTime: math.MaxInt64, LoadFactor: 4}},
		{"a MaxElapsed as long as that", 0, policies{retry(2, elapsed(math.MaxInt64)), limit(math.MaxInt64)},
			resilience.Explanation{Order: "retry(timeout(call))", MostAttempts: 2, LongestTime: math.MaxInt64, LoadFactor: 2}},
		{"a custom policy", 0, policies{resilience.Custom("my own", func(next resilience.Handler) resilience.Handler { return next })},
			resilience.Explanation{Order: "myown(call)", MostAttempts: 1, LoadFactor: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := resilience.Explain(c.deadline, c.chain...)
			if err != nil {
				t.Fatal(err)
			}
			if got.Order != c.want.Order || got.MostAttempts != c.want.MostAttempts || got.LongestTime != c.want.LongestTime ||
				math.Abs(got.LoadFactor-c.want.LoadFactor) > 1e-12 || !slices.Equal(got.Warnings, c.want.Warnings) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestExplainKeepsItsWord: no call takes longer than explained, nor makes more attempts.
func TestExplainKeepsItsWord(t *testing.T) {
	for _, jitter := range []resilience.Jitter{resilience.JitterFull, resilience.JitterNone, resilience.JitterEqual, resilience.JitterDecorrelated} {
		bubble(t, func(t *testing.T) {
			worst := math.Nextafter(1, 0)
			policies := []resilience.Policy{
				resilience.Retry(with(plain(6), func(c *resilience.RetryConfig) {
					c.Jitter, c.Max, c.Rand = jitter, time.Second, func(context.Context, int) float64 { return worst }
				})),
				limit(time.Second),
			}
			e, err := resilience.Explain(0, policies...)
			if err != nil {
				t.Fatal(err)
			}
			begin, attempts := time.Now(), 0
			_ = chain(t, policies...)(t.Context(), func(ctx context.Context) error { attempts++; return hang(ctx) })
			took := time.Since(begin)
			// With the worst of luck it takes just that long, but for what rounding down leaves, of which a wait
			// that hangs on the one before makes three times as much.
			if attempts != e.MostAttempts || took > e.LongestTime || took < e.LongestTime-10 {
				t.Errorf("%v: %d attempts in %v; explained are %d in %v", jitter, attempts, took, e.MostAttempts, e.LongestTime)
			}
		})
	}
}

package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"reliability/pkg/resilience"
)

// must is for examples: what cannot go wrong here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// flaky fails the first n times it is called.
func flaky(n int32) func(context.Context) (string, error) {
	var calls atomic.Int32
	return func(context.Context) (string, error) {
		if calls.Add(1) <= n {
			return "", errors.New("503 Service Unavailable")
		}
		return "hello", nil
	}
}

// The default order: a retry makes attempts, each attempt has a deadline, each attempt
// asks the breaker.
func Example() {
	breaker := must(resilience.NewBreaker(resilience.BreakerConfig{Name: "greeter"}))
	handler := must(resilience.Chain(
		resilience.Retry(resilience.RetryConfig{MaxAttempts: 4, Base: time.Millisecond}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}),
		resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker}),
	))

	greeting, err := resilience.Do(context.Background(), handler, flaky(2))
	fmt.Println(greeting, err)
	// Output: hello <nil>
}

// Retry knocks again, and says why it stopped.
func ExampleRetry() {
	handler := must(resilience.Chain(resilience.Retry(resilience.RetryConfig{
		MaxAttempts: 3,
		Base:        time.Millisecond,
		Jitter:      resilience.JitterNone, // to have the same output each time; leave it out
		Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventRetry {
				fmt.Printf("attempt %d failed (%v), again in %v\n", e.Attempt, e.Err, e.Delay)
			}
		}),
	})))

	_, err := resilience.Do(context.Background(), handler, flaky(5))
	fmt.Println(err)
	retryErr, _ := errors.AsType[*resilience.RetryError](err)
	fmt.Println(retryErr.Attempts, "attempts,", retryErr.Reason)
	// Output:
	// attempt 1 failed (503 Service Unavailable), again in 1ms
	// attempt 2 failed (503 Service Unavailable), again in 2ms
	// resilience: gave up after 3 attempts (attempts used up): 503 Service Unavailable
	// 3 attempts, attempts used up
}

// What is wrong with the request, another attempt cannot mend.
func ExamplePermanent() {
	handler := must(resilience.Chain(resilience.Retry(resilience.RetryConfig{})))
	attempts := 0
	err := handler(context.Background(), func(context.Context) error {
		attempts++
		return resilience.Permanent(errors.New("404 Not Found"))
	})
	fmt.Println(attempts, err)
	// Output: 1 404 Not Found
}

// A budget keeps retries from multiplying the load of a dependency that is down: here
// 100 calls of 4 attempts each make 102 attempts, not 400.
func ExampleRetryBudget() {
	budget := must(resilience.NewRetryBudget(resilience.RetryBudgetConfig{Burst: 2, Ratio: 0.1}))
	handler := must(resilience.Chain(resilience.Retry(resilience.RetryConfig{Base: time.Nanosecond, Budget: budget})))
	attempts := 0
	var err error
	for range 100 {
		err = handler(context.Background(), func(context.Context) error {
			attempts++
			return errors.New("connection refused")
		})
	}
	fmt.Println(attempts)
	fmt.Println(err)
	// Output:
	// 102
	// resilience: gave up after 1 attempt (retry budget empty): connection refused
}

// A timeout ends the context of the operation and waits for it.
func ExampleTimeout() {
	handler := must(resilience.Chain(resilience.Timeout(resilience.TimeoutConfig{Limit: time.Millisecond})))
	err := handler(context.Background(), func(ctx context.Context) error {
		<-ctx.Done() // hangs until it is told to stop
		return ctx.Err()
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// resilience: timed out after 1ms: context deadline exceeded
	// true
}

// A breaker hangs a "closed" sign on the door of a dependency that keeps failing.
func ExampleCircuitBreaker() {
	breaker := must(resilience.NewBreaker(resilience.BreakerConfig{
		Name: "payments", Failures: 3, OpenFor: time.Hour,
		Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventTransition {
				fmt.Printf("%s: %v → %v, %s\n", e.Name, e.Transition.From, e.Transition.To, e.Transition.Reason)
			}
		}),
	}))
	handler := must(resilience.Chain(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})))

	calls := 0
	var err error
	for range 10 {
		err = handler(context.Background(), func(context.Context) error {
			calls++
			return errors.New("connection reset")
		})
	}
	fmt.Println(calls, "of 10 calls reached it")
	fmt.Println("rejected:", resilience.Rejected(err))
	// Output:
	// payments: closed → open, 3 of 3 failures in a row
	// 3 of 10 calls reached it
	// rejected: true
}

// A rate looks at the share of failures, once there are enough calls to judge by; Stats
// says what is missing.
func ExampleNewBreaker_failureRate() {
	breaker := must(resilience.NewBreaker(resilience.BreakerConfig{
		FailureRate: 0.5, WindowTime: 10 * time.Second, MinCalls: 4,
	}))
	handler := must(resilience.Chain(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})))
	call := func(err error) {
		_ = handler(context.Background(), func(context.Context) error { return err })
		s := breaker.Stats()
		fmt.Printf("%v: %d of %d failed, judged from %d on\n", s.State, s.Failed, s.Calls, s.CallsToJudge)
	}
	call(nil)
	call(errors.New("boom"))
	call(errors.New("boom"))
	call(nil)
	fmt.Println(breaker.Stats().Last.Reason)
	// Output:
	// closed: 0 of 1 failed, judged from 4 on
	// closed: 1 of 2 failed, judged from 4 on
	// closed: 2 of 3 failed, judged from 4 on
	// open: 0 of 0 failed, judged from 4 on
	// 2 of 4 calls in the last 10s failed, at least 50%
}

// A new breaker may first only watch: it lets everything pass and says what it would
// have done.
func ExampleBreaker_force() {
	breaker := must(resilience.NewBreaker(resilience.BreakerConfig{
		Name: "search", Failures: 2,
		Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventWouldOpen {
				fmt.Println(e.Name, "would have opened:", e.Transition.Reason)
			}
		}),
	}))
	handler := must(resilience.Chain(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})))
	_ = breaker.Force(context.Background(), resilience.ModeObserve)
	for range 3 {
		err := handler(context.Background(), func(context.Context) error { return errors.New("boom") })
		fmt.Println(err)
	}
	// Output:
	// boom
	// search would have opened: 2 of 2 failures in a row
	// boom
	// boom
}

// A bulkhead keeps one slow dependency from taking everything.
func ExampleBulkhead() {
	compartment := must(resilience.NewCompartment(resilience.CompartmentConfig{Name: "reports", MaxConcurrent: 1}))
	handler := must(resilience.Chain(resilience.Bulkhead(compartment)))
	_ = handler(context.Background(), func(ctx context.Context) error {
		err := handler(ctx, func(context.Context) error { return nil }) // while the first still runs
		fmt.Println(err)
		return nil
	})
	// Output: resilience: bulkhead "reports": full (1 may run, 0 may wait)
}

// onceLimiter allows one call. A *rate.Limiter of golang.org/x/time/rate is what you want.
type onceLimiter struct{ used atomic.Bool }

func (l *onceLimiter) Allow() bool { return !l.used.Swap(true) }

// Anything with Allow() bool limits a rate.
func ExampleRateLimit() {
	handler := must(resilience.Chain(resilience.RateLimit(resilience.RateLimitConfig{Name: "search", Limiter: &onceLimiter{}})))
	for range 2 {
		fmt.Println(handler(context.Background(), func(context.Context) error { return nil }))
	}
	// Output:
	// <nil>
	// resilience: rate limit "search" reached
}

// A fallback answers instead.
func ExampleFallback() {
	handler := must(resilience.Chain(
		resilience.Fallback(resilience.FallbackConfig{
			Answer: func(ctx context.Context, _ error) error { return resilience.Supply(ctx, "hello, as of yesterday") },
		}),
		resilience.Retry(resilience.RetryConfig{MaxAttempts: 2, Base: time.Nanosecond}),
	))
	fmt.Println(resilience.Do(context.Background(), handler, flaky(9)))
	// Output: hello, as of yesterday <nil>
}

// Chain refuses an order in which a policy cannot do what it promises.
func ExampleOrderError() {
	breaker := must(resilience.NewBreaker(resilience.BreakerConfig{}))
	guard := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})
	again := resilience.Retry(resilience.RetryConfig{})

	_, err := resilience.Chain(guard, again)
	fmt.Println(err)
	_, err = resilience.Chain(guard, again, resilience.AnyOrder())
	fmt.Println(err)
	// Output:
	// resilience: chain: retry inside circuit breaker: the breaker sees one result of many attempts, so it opens late, and each of its probes is a burst (AnyOrder lets it through)
	// <nil>
}

// Retries multiply timeouts, and load. Explain says by how much, before the first call.
func ExampleExplain() {
	e := must(resilience.Explain(2*time.Second,
		resilience.Retry(resilience.RetryConfig{MaxAttempts: 4, Base: 100 * time.Millisecond}),
		resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}),
	))
	fmt.Println(e.Order)
	fmt.Println("at most", e.MostAttempts, "attempts in", e.LongestTime, "and", e.LoadFactor, "times the load")
	for _, w := range e.Warnings {
		fmt.Println("warning:", w)
	}
	// Output:
	// retry(timeout(call))
	// at most 4 attempts in 4.7s and 4 times the load
	// warning: the caller's deadline is 2s, and a call may take 4.7s
}

// A chain can be replaced while calls run through it; the breaker in it goes on.
func ExampleLive() {
	breaker := must(resilience.NewBreaker(resilience.BreakerConfig{Failures: 2}))
	guard := resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})
	live := must(resilience.NewLive(guard))
	fail := func(context.Context) error { return errors.New("boom") }

	fmt.Println(live.Call(context.Background(), fail))
	_ = live.Swap(resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second}), guard)
	fmt.Println(live.Call(context.Background(), fail))
	fmt.Println(breaker.State())
	// Output:
	// boom
	// boom
	// open
}

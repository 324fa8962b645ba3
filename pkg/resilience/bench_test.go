package resilience_test

import (
	"context"
	"testing"
	"time"

	"reliability/pkg/resilience"
)

// succeed is an operation that costs nothing: what is measured is the protection.
func succeed(context.Context) error { return nil }

func benchmarkChain(b *testing.B, policies ...resilience.Policy) {
	b.Helper()
	h, err := resilience.Chain(policies...)
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := h(ctx, succeed); err != nil {
			b.Fatal(err)
		}
	}
}

func breakerPolicy(b *testing.B) resilience.Policy {
	b.Helper()
	breaker, err := resilience.NewBreaker(resilience.BreakerConfig{})
	if err != nil {
		b.Fatal(err)
	}
	return resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: breaker})
}

func BenchmarkBreakerClosed(b *testing.B) { benchmarkChain(b, breakerPolicy(b)) }

func BenchmarkRetryBreaker(b *testing.B) {
	benchmarkChain(b, resilience.Retry(resilience.RetryConfig{}), breakerPolicy(b))
}

// BenchmarkPipeline is the default order. Next to it, what the timeout alone costs.
func BenchmarkPipeline(b *testing.B) {
	limit := resilience.Timeout(resilience.TimeoutConfig{Limit: time.Second})
	b.Run("retry, timeout, breaker", func(b *testing.B) {
		benchmarkChain(b, resilience.Retry(resilience.RetryConfig{}), limit, breakerPolicy(b))
	})
	b.Run("bare context.WithTimeout", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithTimeout(b.Context(), time.Second)
			_ = succeed(ctx)
			cancel()
		}
	})
}

package bench

import (
	"context"
	"testing"

	"github.com/eapache/go-resiliency/breaker"

	"reliability/pkg/resilience"
)

func eapache(testing.TB) subject {
	b := breaker.New(failures, probes, openFor)
	return subject{
		call: func(ctx context.Context, op resilience.Op) error {
			return b.Run(func() error { return op(ctx) })
		},
		loop: func(_ context.Context, n int) (failed int) {
			for range n {
				if err := b.Run(succeedBare); err != nil {
					failed++
				}
			}
			return failed
		},
		state: func() string {
			return map[breaker.State]string{breaker.Closed: "closed", breaker.Open: "open", breaker.HalfOpen: "half-open"}[b.GetState()]
		},
	}
}

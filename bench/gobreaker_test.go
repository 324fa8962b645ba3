package bench

import (
	"context"
	"testing"

	"github.com/sony/gobreaker/v2"

	"reliability/pkg/resilience"
)

func sonyGobreaker(settings gobreaker.Settings) func(testing.TB) subject {
	return func(testing.TB) subject {
		cb := gobreaker.NewCircuitBreaker[struct{}](settings)
		return subject{
			call: func(ctx context.Context, op resilience.Op) error {
				_, err := cb.Execute(func() (struct{}, error) { return struct{}{}, op(ctx) })
				return err
			},
			loop: func(_ context.Context, n int) (failed int) {
				for range n {
					if _, err := cb.Execute(succeedValue); err != nil {
						failed++
					}
				}
				return failed
			},
			state: func() string { return cb.State().String() },
		}
	}
}

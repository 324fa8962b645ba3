package bench

import (
	"context"
	"testing"

	"github.com/cep21/circuit/v4"
	"github.com/cep21/circuit/v4/closers/hystrix"

	"reliability/pkg/resilience"
)

// cep21 is cep21/circuit as a breaker alone: without the timeout and the limit of
// concurrent calls that it has by default.
func cep21(opener func() circuit.ClosedToOpen) func(testing.TB) subject {
	return func(testing.TB) subject {
		c := circuit.NewCircuitFromConfig("bench", circuit.Config{
			General: circuit.GeneralConfig{
				ClosedToOpenFactory: opener,
				OpenToClosedFactory: hystrix.CloserFactory(hystrix.ConfigureCloser{SleepWindow: openFor}),
			},
			Execution: circuit.ExecutionConfig{Timeout: -1, MaxConcurrentRequests: -1},
		})
		return subject{
			call: func(ctx context.Context, op resilience.Op) error { return c.Run(ctx, op) },
			loop: func(ctx context.Context, n int) (failed int) {
				for range n {
					if err := c.Run(ctx, succeed); err != nil {
						failed++
					}
				}
				return failed
			},
			state: func() string {
				if c.IsOpen() {
					return "open"
				}
				return "closed"
			},
		}
	}
}

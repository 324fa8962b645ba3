package bench

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cep21/circuit/v4/closers/hystrix"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"reliability/pkg/resilience"
)

// The rule of the windows: they open when half of the calls of the last ten seconds failed,
// or were slow, provided there were twenty.
const (
	windowTime = 10 * time.Second
	bucketTime = windowTime / 10 // of those that let one choose
	minCalls   = 20
	rate       = 0.5
	slowAfter  = 100 * time.Millisecond
)

func windowConfig() resilience.BreakerConfig {
	return resilience.BreakerConfig{
		FailureRate: rate, WindowTime: windowTime, MinCalls: minCalls, OpenFor: openFor, Probes: probes,
	}
}

func slowConfig() resilience.BreakerConfig {
	c := windowConfig()
	c.SlowRate, c.SlowAfter = rate, slowAfter
	return c
}

func windows() []contender {
	return []contender{
		{name: "handrolled", make: handrolled(windowConfig())},
		{name: "raw", make: raw(windowConfig())},
		{name: "sonybreaker", make: sony(windowConfig())},
		{name: "gobreaker", make: windowGobreaker()},
		{name: "failsafe", make: failsafeBreaker(func(b circuitbreaker.Builder[any]) circuitbreaker.Builder[any] {
			return b.WithFailureRateThreshold(rate, minCalls, windowTime).WithSuccessThreshold(probes).WithDelay(openFor)
		})},
		{name: "cep21", make: cep21(hystrix.OpenerFactory(hystrix.ConfigureOpener{
			ErrorThresholdPercentage: 100 * rate, RequestVolumeThreshold: minCalls,
			RollingDuration: windowTime, NumBuckets: int(windowTime / bucketTime),
		}))},
		// It counts failures and knows no rate.
		{name: "eapache", cannot: "no window"},
	}
}

func windowGobreaker() func(testing.TB) subject {
	return sonyGobreaker(gobreaker.Settings{
		MaxRequests:  probes,
		Interval:     windowTime,
		BucketPeriod: bucketTime,
		Timeout:      openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.Requests >= minCalls && float64(c.TotalFailures) >= rate*float64(c.Requests)
		},
	})
}

func slowWindows() []contender {
	const cannot = "no slow-call rate"
	return []contender{
		{name: "handrolled", make: handrolled(slowConfig())},
		{name: "raw", make: raw(slowConfig())},
		{name: "sonybreaker", make: sony(slowConfig())},
		// It has no slow-call rate either: the yardstick is its window of failures.
		{name: "gobreaker", make: windowGobreaker()},
		{name: "failsafe", cannot: cannot},
		{name: "cep21", cannot: cannot},
		{name: "eapache", cannot: "no window"},
	}
}

func BenchmarkBreakerWindow(b *testing.B)         { passing(b, windows(), serial) }
func BenchmarkBreakerWindowParallel(b *testing.B) { passing(b, windows(), parallel) }
func BenchmarkBreakerWindowSlow(b *testing.B)     { passing(b, slowWindows(), serial) }

// TestWindow: nineteen calls say nothing, and too few failures among many calls neither; old
// calls are forgotten; eleven failures in twenty calls open it.
func TestWindow(t *testing.T) {
	for _, c := range append(windows(), slowWindows()...) {
		if c.make == nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := c.make(t)
				several(t, s, 10, nil)
				several(t, s, 9, errDependency)
				wantState(t, s, "closed")
				time.Sleep(windowTime + 2*bucketTime) // however coarse the buckets are
				several(t, s, 10, errDependency)
				wantState(t, s, "closed")
				several(t, s, 9, nil)
				several(t, s, 1, errDependency)
				wantState(t, s, "open")
				wantTurnedAway(t, s)

				s = c.make(t)
				several(t, s, 30, nil)
				several(t, s, 20, errDependency)
				wantState(t, s, "closed")
				wantLoop(t, s, 0)
				wantState(t, s, "closed")
			})
		})
	}
}

// TestWindowSlow: eleven slow calls in twenty open ours, although none failed.
func TestWindowSlow(t *testing.T) {
	for _, c := range slowWindows() {
		if c.make == nil || c.name == "gobreaker" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := c.make(t)
				several(t, s, 9, nil)
				slow(t, s, 10)
				wantState(t, s, "closed")
				slow(t, s, 1)
				wantState(t, s, "open")
				wantTurnedAway(t, s)
			})
		})
	}
}

func several(t *testing.T, s subject, n int, result error) {
	t.Helper()
	for range n {
		wantPass(t, s, result)
	}
}

func slow(t *testing.T, s subject, n int) {
	t.Helper()
	for range n {
		err := s.call(t.Context(), func(context.Context) error {
			time.Sleep(2 * slowAfter)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

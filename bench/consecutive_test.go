package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cep21/circuit/v4/closers/simplelogic"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"reliability/pkg/resilience"
)

// The rule of the plainest breaker: failures in a row open it. Once open it stays so for
// longer than any benchmark runs.
const (
	failures = 5
	probes   = 2
	openFor  = time.Hour
)

// consecutive are breakers that open at the fifth failure in a row.
func consecutive() []contender {
	config := resilience.BreakerConfig{Failures: failures, OpenFor: openFor, Probes: probes}
	return []contender{
		{name: "handrolled", make: handrolled(config)},
		{name: "raw", make: raw(config)},
		{name: "sonybreaker", make: sony(config)},
		{name: "gobreaker", make: consecutiveGobreaker()},
		{name: "failsafe", make: failsafeBreaker(consecutiveFailsafe)},
		{name: "cep21", make: cep21(simplelogic.ConsecutiveErrOpenerFactory(simplelogic.ConfigConsecutiveErrOpener{
			ErrorThreshold: failures,
		}))},
		// Its only rule: five failures without a quiet hour between any two of them.
		{name: "eapache", make: eapache, accumulates: true},
	}
}

func consecutiveGobreaker() func(testing.TB) subject {
	return sonyGobreaker(consecutiveSettings())
}

func consecutiveSettings() gobreaker.Settings {
	return gobreaker.Settings{
		MaxRequests: probes,
		Timeout:     openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
	}
}

func consecutiveFailsafe(b circuitbreaker.Builder[any]) circuitbreaker.Builder[any] {
	return b.WithFailureThreshold(failures).WithSuccessThreshold(probes).WithDelay(openFor)
}

func BenchmarkBreakerClosed(b *testing.B)         { passing(b, consecutive(), serial) }
func BenchmarkBreakerClosedParallel(b *testing.B) { passing(b, consecutive(), parallel) }
func BenchmarkBreakerOpen(b *testing.B)           { rejected(b, consecutive(), serial) }

// TestConsecutive: closed it lets calls pass, the fifth failure in a row opens it, and open
// it turns calls away without running them.
func TestConsecutive(t *testing.T) {
	for _, c := range consecutive() {
		t.Run(c.name, func(t *testing.T) {
			s := c.make(t)
			wantLoop(t, s, 0)
			wantPass(t, s, nil)
			wantState(t, s, "closed")
			for range failures - 1 {
				wantPass(t, s, errDependency)
			}
			wantState(t, s, "closed")
			if !c.accumulates {
				wantPass(t, s, nil)
				for range failures - 1 {
					wantPass(t, s, errDependency)
				}
				wantState(t, s, "closed")
			}
			wantPass(t, s, errDependency)
			wantState(t, s, "open")
			wantTurnedAway(t, s)
			wantLoop(t, s, 10)
			wantState(t, s, "open")
		})
	}
}

// wantPass makes a call whose operation must run once, with its result passed on.
func wantPass(t *testing.T, s subject, result error) {
	t.Helper()
	runs := 0
	err := s.call(t.Context(), func(context.Context) error {
		runs++
		return result
	})
	if runs != 1 || !errors.Is(err, result) {
		t.Fatalf("the operation ran %d times and the call returned %v, want once and %v", runs, err, result)
	}
}

func wantTurnedAway(t *testing.T, s subject) {
	t.Helper()
	err := s.call(t.Context(), func(context.Context) error {
		t.Error("the operation ran")
		return nil
	})
	if err == nil {
		t.Error("the call was no error")
	}
}

// wantLoop runs what benchmarks run.
func wantLoop(t *testing.T, s subject, failed int) {
	t.Helper()
	for name, d := range map[string]drive{"serial": serial, "parallel": parallel} {
		if got := d(t.Context(), 10, s); got != failed {
			t.Errorf("%s: %d of 10 calls failed, want %d", name, got, failed)
		}
	}
}

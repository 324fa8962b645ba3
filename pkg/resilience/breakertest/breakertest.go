// Package breakertest tests whether a circuit breaker is one, as testing/fstest does for
// file systems. Bring your own breaker:
//
//	func TestConformance(t *testing.T) { breakertest.Run(t, mybreaker.New) }           // what is promised, case by case
//	func TestExhaustively(t *testing.T) { breakertest.RunExhaustive(t, mybreaker.New) } // every short program
//	func TestAtRandom(t *testing.T) { breakertest.RunRandom(t, mybreaker.New) }         // long ones
//	func TestHistories(t *testing.T) { breakertest.RunConcurrent(t, mybreaker.New) }    // linearizability; use -race
//	func FuzzProgram(f *testing.F) { breakertest.Fuzz(f, mybreaker.New) }
//
// All but the first compare the breaker with a [Model] of a few hundred plain lines, after
// every step. What a breaker documents that it cannot do, by refusing the configuration,
// is skipped with that reason.
//
// Time is virtual: each test runs in a testing/synctest bubble, so the breaker must use
// package time, and may hold timers but no goroutine that outlives what it was started
// for.
package breakertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// New makes the breaker under test.
type New func(resilience.BreakerConfig) (resilience.Breaker, error)

// Run runs the whole suite.
func Run(t *testing.T, newBreaker New) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, New)
	}{
		{"opens at the threshold", opensAtThreshold},
		{"open until exactly OpenFor", openUntil},
		{"half-open admits its probes and no more", halfOpenAdmits},
		{"half-open closes when all probes succeed", halfOpenCloses},
		{"half-open reopens at the first failure", halfOpenReopens},
		{"a neutral probe returns its slot", neutralProbe},
		{"a lost probe is a failed probe", lostProbe},
		{"one slow probe fails its period", slowProbe},
		{"results of older generations change nothing", olderGenerations},
		{"a permit settles once", settlesOnce},
		{"a probe that unwinds has failed", unwinding},
		{"stats say what is missing", stats},
		{"the failure rate opens it", failureRate},
		{"a window of calls holds the last ones", callWindow},
		{"a window of time moves on by tenths", timeWindow},
		{"calls slower than the window count", slowerThanWindow},
		{"calls in flight do not dilute the rate", inFlightDilutesNothing},
		{"slow calls count, running or ended, once", slowCalls},
		{"hung calls open it before they return", hungCalls},
		{"slow calls are noticed when another ends", slowAtDone},
		{"slow calls open it when they have ended", slowCallsThatEnded},
		{"a slow probe has failed", slowProbeFails},
		{"held open", heldOpen},
		{"held closed", heldClosed},
		{"observing never rejects", observing},
		{"modes are told", modesTold},
		{"thresholds change under way", reconfigured},
		{"open times grow", growing},
		{"open times are jittered", jittered},
		{"transitions are told in order, once, with their call", transitionsTold},
		{"zero fields have their defaults", defaults},
		{"large numbers are kept", largeNumbers},
		{"a caller that is gone is admitted or rejected", doneContexts},
		{"rejections are told", rejectionsTold},
		{"events of calls that race are told once", toldUnderContention},
		{"whoever is told of a mode may force another", forcedFromObserver},
		{"a lost probe's events are its call's", lostProbesTold},
		{"events are told one at a time", toldInTurn},
		{"observers may call back, panic and exit", rudeObservers},
		{"bad configurations are refused", badConfigs},
		{"half-open admits its probes and no more under contention", contention},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.test(t, newBreaker) })
		})
	}
}

var errBoom = errors.New("boom")

// config has values that are all different, so that one taken for another shows.
func config() resilience.BreakerConfig {
	return resilience.BreakerConfig{
		Name: "dependency", Failures: 3, OpenFor: 5 * time.Second, Probes: 2, Lease: 7 * time.Second,
	}
}

// subject is the breaker under test with the steps that tests are written in.
type subject struct {
	*testing.T
	b resilience.Breaker
}

func build(t *testing.T, newBreaker New, cfg resilience.BreakerConfig) subject {
	t.Helper()
	b, err := newBreaker(cfg)
	if err != nil {
		t.Fatalf("new breaker: %v", err)
	}
	return subject{t, b}
}

func (s subject) acquire() *resilience.Permit {
	s.Helper()
	p, err := s.b.Acquire(s.Context())
	if err != nil {
		s.Fatalf("Acquire: %v; want a permit", err)
	}
	return &p
}

func (s subject) rejected() *resilience.OpenError {
	s.Helper()
	_, err := s.b.Acquire(s.Context())
	var open *resilience.OpenError
	if !errors.As(err, &open) {
		s.Fatalf("Acquire: %v; want an OpenError", err)
	}
	if !resilience.Rejected(err) {
		s.Errorf("Rejected(%v) = false", err)
	}
	return open
}

func (s subject) done(p *resilience.Permit, o resilience.Outcome, counted bool) {
	s.Helper()
	if got := p.Done(s.Context(), o, errBoom); got != counted {
		s.Fatalf("Done(%v) = %v; want %v", o, got, counted)
	}
}

// calls makes whole calls, one after the other, that all count.
func (s subject) calls(outcomes ...resilience.Outcome) {
	s.Helper()
	for _, o := range outcomes {
		s.done(s.acquire(), o, true)
	}
}

func (s subject) state(want resilience.State) {
	s.Helper()
	if got := s.b.State(); got != want {
		s.Fatalf("State() = %v; want %v", got, want)
	}
	if got := s.b.Stats().State; got != want {
		s.Fatalf("Stats().State = %v; want %v", got, want)
	}
}

// opened brings the breaker from closed to open.
func (s subject) opened() {
	s.Helper()
	for range s.b.Stats().FailuresToOpen {
		s.calls(resilience.Failure)
	}
	s.state(resilience.Open)
}

// probing brings the breaker to half-open and returns all its probes.
func (s subject) probing(openFor time.Duration) []*resilience.Permit {
	s.Helper()
	s.opened()
	time.Sleep(openFor)
	var probes []*resilience.Permit
	for range s.b.Stats().ProbesToClose {
		probes = append(probes, s.acquire())
	}
	s.state(resilience.HalfOpen)
	return probes
}

// a recorder is an observer that remembers.
type recorder struct {
	mu     sync.Mutex // a breaker may tell of an expired lease from a timer
	events []resilience.Event
	calls  []any // the value of callKey in each event's context
}

type callKey struct{}

func (r *recorder) Observe(ctx context.Context, e resilience.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	r.calls = append(r.calls, ctx.Value(callKey{}))
}

func (r *recorder) all() []resilience.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

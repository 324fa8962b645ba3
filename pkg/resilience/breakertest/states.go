package breakertest

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

const (
	success = resilience.Success
	failure = resilience.Failure
	neutral = resilience.Neutral
)

func opensAtThreshold(t *testing.T, newBreaker New) {
	for _, c := range []struct {
		name     string
		outcomes []resilience.Outcome
		want     resilience.State
	}{
		{"one below", []resilience.Outcome{failure, failure}, resilience.Closed},
		{"at it", []resilience.Outcome{failure, failure, failure}, resilience.Open},
		{"a success starts over", []resilience.Outcome{failure, failure, success, failure, failure}, resilience.Closed},
		{"a neutral result does not", []resilience.Outcome{failure, failure, neutral, failure}, resilience.Open},
		{"and is no failure", []resilience.Outcome{neutral, neutral, neutral, neutral}, resilience.Closed},
	} {
		s := build(t, newBreaker, config())
		s.calls(c.outcomes...)
		if got := s.b.State(); got != c.want {
			t.Errorf("%s: %v is %v; want %v", c.name, c.outcomes, got, c.want)
		}
	}
	one := config()
	one.Failures = 1
	s := build(t, newBreaker, one)
	s.calls(failure)
	s.state(resilience.Open)
}

func openUntil(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	s.opened()
	opened := time.Now()
	time.Sleep(config().OpenFor - 1)
	s.state(resilience.Open)
	e := s.rejected()
	if want := opened.Add(config().OpenFor); !e.Until.Equal(want) || e.State != resilience.Open || e.Breaker != "dependency" {
		t.Errorf("rejected with %+v; want open until %v", e, want)
	}
	if got := e.RetryAfter(); got != 1 {
		t.Errorf("RetryAfter = %v; want 1ns", got)
	}
	time.Sleep(1 * time.Nanosecond)
	s.state(resilience.HalfOpen)
	last := s.b.Stats().Last
	s.state(resilience.HalfOpen) // asking changes nothing
	if again := s.b.Stats().Last; again != last || last.To != resilience.Open {
		t.Errorf("looking at the state changed it: last transition is %+v", again)
	}
	s.acquire()
}

func halfOpenAdmits(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	probes := s.probing(config().OpenFor)
	e := s.rejected()
	if e.State != resilience.HalfOpen || !e.Until.IsZero() || e.RetryAfter() != 0 || e.Breaker != "dependency" {
		t.Errorf("rejected with %+v; want half-open, which may end at any moment", e)
	}
	s.done(probes[0], success, true)
	_ = s.rejected() // a probe that succeeded keeps its slot: N in all, not N at a time
	s.state(resilience.HalfOpen)
}

func halfOpenCloses(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	probes := s.probing(config().OpenFor)
	s.done(probes[1], success, true)
	s.state(resilience.HalfOpen)
	s.done(probes[0], success, true)
	s.state(resilience.Closed)
	s.calls(failure, failure) // the count starts anew
	s.state(resilience.Closed)
	s.calls(failure)
	s.state(resilience.Open)
}

func halfOpenReopens(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	probes := s.probing(config().OpenFor)
	time.Sleep(time.Second)
	s.done(probes[0], failure, true)
	s.state(resilience.Open)
	s.done(probes[1], success, false)
	s.state(resilience.Open)
	time.Sleep(config().OpenFor - 1) // the whole time again, from the failure on
	_ = s.rejected()
	time.Sleep(1 * time.Nanosecond)
	s.calls(success, success)
	s.state(resilience.Closed)
}

func neutralProbe(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	probes := s.probing(config().OpenFor)
	s.done(probes[0], neutral, true)
	s.state(resilience.HalfOpen)
	again := s.acquire()
	_ = s.rejected()
	s.done(probes[1], success, true)
	s.done(again, success, true)
	s.state(resilience.Closed)
}

func lostProbe(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	probes := s.probing(config().OpenFor)
	time.Sleep(config().Lease - 1)
	s.state(resilience.HalfOpen)
	time.Sleep(1 * time.Nanosecond)
	synctest.Wait()
	s.state(resilience.Open)
	s.done(probes[0], success, false)
	s.done(probes[1], success, false)
	s.state(resilience.Open)
	_ = s.rejected()
	time.Sleep(config().OpenFor - 1)
	s.state(resilience.Open)
	time.Sleep(1 * time.Nanosecond)
	s.state(resilience.HalfOpen)
	s.calls(success, success)
	s.state(resilience.Closed)
}

func slowProbe(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	s.opened()
	time.Sleep(config().OpenFor)
	slow := s.acquire()
	time.Sleep(config().Lease / 2)
	quick := s.acquire()
	time.Sleep(config().Lease - config().Lease/2)
	synctest.Wait()
	s.done(quick, success, false)
	s.done(slow, success, false)
	s.state(resilience.Open)
	// Nobody asks for a long time: the period that began unseen is over as well.
	time.Sleep(time.Hour)
	s.state(resilience.HalfOpen)
	s.calls(success, success)
	s.state(resilience.Closed)
}

func olderGenerations(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	early, late := s.acquire(), s.acquire()
	s.opened()
	s.done(early, success, false)
	s.state(resilience.Open)
	time.Sleep(config().OpenFor)
	s.done(late, failure, false)
	if s.b.Stats().Last.To != resilience.Open {
		t.Error("a late result began the half-open period; that is for the next Acquire")
	}
	probe := s.acquire()
	s.done(probe, success, true)
	s.calls(success)
	s.state(resilience.Closed)

	// Nor do they in a later closed period.
	one := config()
	one.Failures, one.Probes = 1, 1
	s = build(t, newBreaker, one)
	good, bad := s.acquire(), s.acquire()
	s.opened()
	time.Sleep(one.OpenFor)
	s.calls(success)
	s.state(resilience.Closed)
	s.done(good, success, false)
	s.done(bad, failure, false)
	s.state(resilience.Closed)
}

func settlesOnce(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	p := s.acquire()
	s.done(p, failure, true)
	s.done(p, failure, false)
	s.done(p, failure, false)
	s.state(resilience.Closed)
	var zero resilience.Permit
	s.done(&zero, failure, false)
}

func unwinding(t *testing.T, newBreaker New) {
	for name, op := range map[string]resilience.Op{
		"panic":  func(context.Context) error { panic("boom") },
		"goexit": func(context.Context) error { runtime.Goexit(); return nil },
	} {
		s := build(t, newBreaker, config())
		h, err := resilience.Chain(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: s.b}))
		if err != nil {
			t.Fatal(err)
		}
		unwind := func() {
			done := make(chan any)
			go func() {
				defer func() { done <- recover() }()
				_ = h(t.Context(), op)
			}()
			if got := <-done; name == "panic" && got != "boom" {
				t.Errorf("panic came out as %v", got)
			}
		}
		for range config().Failures {
			unwind()
		}
		s.state(resilience.Open)
		time.Sleep(config().OpenFor)
		unwind()
		s.state(resilience.Open)
		time.Sleep(config().OpenFor)
		s.calls(success, success)
		s.state(resilience.Closed)
	}
}

func stats(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	check := func(want resilience.Stats) {
		t.Helper()
		got := s.b.Stats()
		got.Last = resilience.Transition{}
		want.Name, want.FailuresToOpen, want.ProbesToClose = "dependency", 3, 2
		if got != want {
			t.Fatalf("Stats() = %+v; want %+v", got, want)
		}
	}
	check(resilience.Stats{})
	s.calls(failure, failure)
	check(resilience.Stats{Counts: resilience.Counts{Failures: 2}})
	s.calls(failure)
	check(resilience.Stats{State: resilience.Open, Until: time.Now().Add(config().OpenFor)})
	time.Sleep(config().OpenFor)
	check(resilience.Stats{State: resilience.HalfOpen})
	a, b := s.acquire(), s.acquire()
	check(resilience.Stats{State: resilience.HalfOpen, ProbesOut: 2})
	s.done(a, success, true)
	check(resilience.Stats{State: resilience.HalfOpen, ProbesOut: 1, ProbesPassed: 1})
	s.done(b, success, true)
	check(resilience.Stats{})

	s.opened()
	time.Sleep(config().OpenFor)
	s.calls(success)
	s.acquire() // lost, and with it what the period had so far
	time.Sleep(config().Lease + config().OpenFor)
	synctest.Wait()
	check(resilience.Stats{State: resilience.HalfOpen, Reopened: 1})
}

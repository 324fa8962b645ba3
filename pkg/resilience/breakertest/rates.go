package breakertest

import (
	"testing"
	"time"

	"reliability/pkg/resilience"
)

// rates is a configuration that opens when half of at least 4 calls in 10 s failed.
func rates() resilience.BreakerConfig {
	cfg := config()
	cfg.Failures, cfg.FailureRate, cfg.WindowTime, cfg.MinCalls = 0, 0.5, 10*time.Second, 4
	return cfg
}

// slow is one that opens when half of at least 4 calls in 10 s took a second.
func slow() resilience.BreakerConfig {
	cfg := rates()
	cfg.FailureRate, cfg.SlowRate, cfg.SlowAfter = 0, 0.5, time.Second
	return cfg
}

func (s subject) counts(want resilience.Counts) {
	s.Helper()
	if got := s.b.Stats().Counts; got != want {
		s.Fatalf("Counts = %+v; want %+v", got, want)
	}
}

func (s subject) reason(want string) {
	s.Helper()
	if got := s.b.Stats().Last.Reason; got != want {
		s.Fatalf("the last transition's reason is %q; want %q", got, want)
	}
}

func failureRate(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, rates())
	s.calls(failure, failure, failure) // all of them, but too few
	s.counts(resilience.Counts{Failures: 3, Calls: 3, Failed: 3})
	s.calls(success) // enough, and the rate is met, though this one was none
	s.state(resilience.Open)
	s.reason("3 of 4 calls in the last 10s failed, at least 50%")
	if got, want := s.b.Stats().Last.Counts, (resilience.Counts{Calls: 4, Failed: 3}); got != want {
		t.Errorf("opened with %+v; want %+v", got, want)
	}

	s = build(t, newBreaker, rates())
	s.calls(success, success, success, failure, failure)
	s.state(resilience.Closed) // 2 of 5
	s.calls(neutral, neutral)
	s.state(resilience.Closed) // neutral ones are no calls
	s.calls(failure)
	s.state(resilience.Open) // 3 of 6: at the rate, not only above

	both := rates()
	both.Failures = 2
	s = build(t, newBreaker, both)
	s.calls(failure, failure)
	s.reason("2 of 2 failures in a row") // whichever rule is met first
}

func callWindow(t *testing.T, newBreaker New) {
	cfg := rates()
	cfg.WindowTime, cfg.WindowCalls = 0, 4
	s := build(t, newBreaker, cfg)
	s.calls(failure, success, success, success)
	time.Sleep(time.Hour) // time means nothing to it
	s.calls(failure)      // the first failure has left
	s.counts(resilience.Counts{Failures: 1, Calls: 4, Failed: 1})
	s.state(resilience.Closed)
	s.calls(failure)
	s.state(resilience.Open)
	s.reason("2 of the last 4 calls failed, at least 50%")
}

func timeWindow(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, rates())
	s.calls(success, success, success)
	time.Sleep(5 * time.Second)
	s.calls(success, failure)
	s.counts(resilience.Counts{Failures: 1, Calls: 5, Failed: 1})
	time.Sleep(5*time.Second - 1) // the first bucket is the tenth
	s.counts(resilience.Counts{Failures: 1, Calls: 5, Failed: 1})
	time.Sleep(1 * time.Nanosecond)
	s.counts(resilience.Counts{Failures: 1, Calls: 2, Failed: 1})
	s.state(resilience.Closed)
	time.Sleep(5 * time.Second)
	s.counts(resilience.Counts{Failures: 1})
}

// slowerThanWindow is the case that a window of admissions never sees.
func slowerThanWindow(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, rates())
	var hung []*resilience.Permit
	for range 4 {
		hung = append(hung, s.acquire())
	}
	time.Sleep(time.Minute)
	for _, p := range hung {
		s.done(p, failure, true)
	}
	s.state(resilience.Open)
}

// inFlightDilutesNothing: calls that have not ended are neither good nor bad.
func inFlightDilutesNothing(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, rates())
	for range 100 {
		s.acquire()
	}
	s.calls(failure, failure, failure, failure)
	s.state(resilience.Open)
}

func slowCalls(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, slow())
	s.calls(success, success)
	a, b := s.acquire(), s.acquire()
	time.Sleep(time.Second - 1)
	s.done(a, success, true) // not slow
	time.Sleep(1 * time.Nanosecond)
	s.counts(resilience.Counts{Calls: 3, Overdue: 1})
	s.done(b, success, true)
	s.counts(resilience.Counts{Calls: 4, Slow: 1}) // counted once, now as a call that ended
	s.state(resilience.Closed)
	c, d := s.acquire(), s.acquire()
	time.Sleep(time.Second)
	s.state(resilience.Open) // what an Acquire would find: 3 of 6
	if e := s.rejected(); !e.Until.Equal(time.Now().Add(slow().OpenFor)) {
		t.Errorf("rejected until %v", e.Until)
	}
	s.reason("3 of 6 calls in the last 10s took 1s or longer, at least 50% (2 of them still running)")
	s.done(c, success, false)
	s.done(d, success, false)
}

// hungCalls is the case that a breaker exists for: nothing comes back at all.
func hungCalls(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, slow())
	for range 4 {
		s.acquire()
	}
	time.Sleep(time.Second - 1)
	s.state(resilience.Closed)
	time.Sleep(1 * time.Nanosecond)
	s.state(resilience.Open)
	_ = s.rejected()
	s.reason("4 of 4 calls in the last 10s took 1s or longer, at least 50% (4 of them still running)")
}

func slowAtDone(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, slow())
	quick := []*resilience.Permit{s.acquire(), s.acquire()}
	s.acquire()
	s.acquire()
	time.Sleep(time.Second - 1)
	s.done(quick[0], success, true)
	time.Sleep(1 * time.Nanosecond)
	s.done(quick[1], neutral, true) // says nothing itself, but brings the time to look: 2 of 3 are too few
	s.state(resilience.Closed)
	fast := s.acquire()
	s.done(fast, success, true)
	s.state(resilience.Open) // 2 of 4
	s.reason("2 of 4 calls in the last 10s took 1s or longer, at least 50% (2 of them still running)")
}

func slowCallsThatEnded(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, slow())
	for range 4 {
		s.state(resilience.Closed)
		p := s.acquire()
		time.Sleep(time.Second)
		s.done(p, success, true)
	}
	s.state(resilience.Open)
	s.reason("4 of 4 calls in the last 10s took 1s or longer, at least 50%")
}

func slowProbeFails(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, slow())
	for range 4 {
		s.acquire()
	}
	time.Sleep(time.Second)
	_ = s.rejected()
	time.Sleep(slow().OpenFor)
	p, q := s.acquire(), s.acquire()
	time.Sleep(time.Second - 1)
	s.done(p, success, true)
	s.state(resilience.HalfOpen)
	time.Sleep(1 * time.Nanosecond)
	s.done(q, success, true)
	s.state(resilience.Open)
	s.reason("a probe took 1s, slow is 1s")
}

package breakertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reliability/pkg/resilience"
)

func (s subject) force(m resilience.Mode) {
	s.Helper()
	if err := s.b.Force(s.Context(), m); err != nil {
		s.Fatalf("Force(%v): %v", m, err)
	}
	if got := s.b.Stats().Mode; got != m {
		s.Fatalf("Mode after Force(%v) is %v", m, got)
	}
}

func heldOpen(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	before := s.acquire()
	s.force(resilience.ModeOpen)
	s.state(resilience.Open)
	s.done(before, failure, false)
	if until := s.b.Stats().Until; !until.IsZero() {
		t.Errorf("held open until %v; want nobody to know", until)
	}
	time.Sleep(1000 * time.Hour)
	s.state(resilience.Open)
	e := s.rejected()
	if !e.Until.IsZero() || e.RetryAfter() != 0 || !strings.Contains(e.Error(), "held open") {
		t.Errorf("rejected with %v, %+v", e, e)
	}
	s.force(resilience.ModeAutomatic)
	s.state(resilience.Closed)
	s.calls(failure, failure)
	s.state(resilience.Closed) // it counts from the beginning
	s.calls(failure)
	s.state(resilience.Open)
	s.force(resilience.ModeOpen) // open already, but not for so long
	time.Sleep(config().OpenFor)
	_ = s.rejected()
}

func heldClosed(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	s.opened()
	s.force(resilience.ModeClosed)
	s.state(resilience.Closed)
	for range 10 {
		s.calls(failure)
	}
	s.state(resilience.Closed)
	s.counts(resilience.Counts{})
	s.force(resilience.ModeAutomatic)
	s.calls(failure, failure)
	s.state(resilience.Closed)
	s.calls(failure)
	s.state(resilience.Open)

	s = build(t, newBreaker, slow())
	s.force(resilience.ModeClosed)
	for range 10 {
		s.acquire()
	}
	time.Sleep(time.Hour)
	s.state(resilience.Closed)
	s.acquire()
}

func observing(t *testing.T, newBreaker New) {
	rec := &recorder{}
	cfg := config()
	cfg.Observer = rec
	s := build(t, newBreaker, cfg)
	s.force(resilience.ModeObserve)
	begin := time.Now()
	s.calls(failure, failure, failure)
	s.state(resilience.Closed)
	if until := s.b.Stats().Until; !until.Equal(begin.Add(cfg.OpenFor)) {
		t.Errorf("it would be open until %v; want %v", until, cfg.OpenFor)
	}
	s.calls(failure, failure, failure, failure) // which an open breaker would not have let through
	time.Sleep(cfg.OpenFor)
	s.calls(failure, failure)
	s.counts(resilience.Counts{Failures: 2})
	s.calls(failure)
	var would []string
	for _, e := range rec.all() {
		if e.Kind == resilience.EventWouldOpen {
			tr := e.Transition
			would = append(would, fmt.Sprint(e.Name, " ", tr.From, " ", tr.To, " at ", tr.At.Sub(begin), " until ", tr.Until.Sub(begin),
				": ", tr.Reason, " ", tr.Failures, " ", tr.Err, " ", e.Err))
		}
	}
	want := []string{
		"dependency closed open at 0s until 5s: 3 of 3 failures in a row 3 boom boom",
		"dependency closed open at 5s until 10s: 3 of 3 failures in a row 3 boom boom",
	}
	if !slices.Equal(would, want) {
		t.Errorf("would have opened:\n%swant\n%s", lines(would), lines(want))
	}
	if last := s.b.Stats().Last; !last.At.IsZero() {
		t.Errorf("observing changed the state: %+v", last)
	}
}

func modesTold(t *testing.T, newBreaker New) {
	rec := &recorder{}
	cfg := config()
	cfg.Observer = rec
	s := build(t, newBreaker, cfg)
	for _, m := range []resilience.Mode{
		resilience.ModeObserve, resilience.ModeOpen, resilience.ModeOpen, resilience.ModeClosed, resilience.ModeAutomatic,
	} {
		ctx := context.WithValue(t.Context(), callKey{}, m)
		if err := s.b.Force(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for i, e := range rec.all() {
		if e.Kind == resilience.EventMode {
			got = append(got, fmt.Sprint(rec.calls[i], ": ", e.Name, " ", e.Mode))
		} else {
			tr := e.Transition
			got = append(got, fmt.Sprint(rec.calls[i], ": ", tr.From, " ", tr.To, ", ", tr.Reason))
		}
	}
	want := []string{
		"observe: dependency observe",
		"open: dependency open", "open: closed open, held open by hand",
		"closed: dependency closed", "closed: open closed, held closed by hand",
		"automatic: dependency automatic",
	}
	if !slices.Equal(got, want) {
		t.Errorf("observer was told\n%swant\n%s", lines(got), lines(want))
	}
	const next = resilience.ModeObserve + 1
	if err := s.b.Force(t.Context(), next); err == nil || !strings.Contains(err.Error(), "automatic, open, closed, observe") {
		t.Errorf("Force(%d): %v", next, err)
	}
	if m := s.b.Stats().Mode; m != resilience.ModeAutomatic {
		t.Errorf("a mode that was refused left %v", m)
	}
}

func reconfigured(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, rates())
	s.calls(success, failure)
	inFlight := s.acquire()
	next := rates()
	next.Name, next.FailureRate, next.MinCalls = "", 0.6, 3
	if err := s.b.Reconfigure(next); err != nil {
		t.Fatal(err)
	}
	s.counts(resilience.Counts{Failures: 1, Calls: 2, Failed: 1}) // the window has the same shape
	s.done(inFlight, failure, true)
	s.state(resilience.Open)
	s.reason("2 of 3 calls in the last 10s failed, at least 60%")
	until := s.b.Stats().Until
	for _, c := range []struct {
		change func(*resilience.BreakerConfig)
		why    string
	}{
		{func(c *resilience.BreakerConfig) { c.Name = "another" }, `BreakerConfig.Name is another: must be empty or "dependency"`},
		{func(c *resilience.BreakerConfig) { c.Lease = -1 }, "BreakerConfig.Lease is -1ns"},
	} {
		bad := next
		c.change(&bad)
		if err := s.b.Reconfigure(bad); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Reconfigure: %v; want %s", err, c.why)
		}
	}
	if s.state(resilience.Open); !s.b.Stats().Until.Equal(until) {
		t.Errorf("Until moved from %v to %v", until, s.b.Stats().Until)
	}
	time.Sleep(next.OpenFor)
	s.calls(success, success)
	wider := next
	wider.WindowTime *= 2
	s.calls(success)
	if err := s.b.Reconfigure(wider); err != nil {
		t.Fatal(err)
	}
	s.counts(resilience.Counts{}) // another shape
}

// growing tests what not every engine can do; one that refuses it is not tested.
func growing(t *testing.T, newBreaker New) {
	cfg := config()
	cfg.OpenGrowth, cfg.OpenMax, cfg.Probes = 2, 15*time.Second, 1
	if _, err := newBreaker(cfg); err != nil {
		t.Skipf("not for this breaker: %v", err)
	}
	s := build(t, newBreaker, cfg)
	s.opened()
	for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 15 * time.Second} {
		if got := time.Until(s.b.Stats().Until); got != want || s.b.Stats().Reopened != i {
			t.Fatalf("open for %v after %d reopenings; want %v after %d", got, s.b.Stats().Reopened, want, i)
		}
		time.Sleep(want)
		s.calls(failure)
	}
	time.Sleep(15 * time.Second)
	s.calls(success)
	s.state(resilience.Closed)
	s.opened()
	if got := time.Until(s.b.Stats().Until); got != 5*time.Second {
		t.Errorf("closing did not start growth anew: open for %v", got)
	}
}

func jittered(t *testing.T, newBreaker New) {
	cfg := config()
	cfg.OpenJitter = 0.5
	if _, err := newBreaker(cfg); err != nil {
		t.Skipf("not for this breaker: %v", err)
	}
	const n = 400
	sum, low, high := 0.0, time.Hour, time.Duration(0)
	for range n {
		s := build(t, newBreaker, cfg)
		s.opened()
		d := time.Until(s.b.Stats().Until)
		sum += d.Seconds()
		low, high = min(low, d), max(high, d)
	}
	if low < cfg.OpenFor || high > cfg.OpenFor*3/2 {
		t.Errorf("open for %v to %v; want %v to half as much again", low, high, cfg.OpenFor)
	}
	// The mean of n uniform values on [5, 7.5] has a standard error of 2.5/√12/√n = 0.036;
	// five of those are exceeded once in two million runs.
	if mean := sum / n; mean < 6.25-0.18 || mean > 6.25+0.18 {
		t.Errorf("open for %.3f s on average; want 6.25 ± 0.18", mean)
	}
}

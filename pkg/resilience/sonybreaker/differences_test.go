package sonybreaker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/sonybreaker"
)

// Each test here is a row of the table in the package's documentation.

func build(t *testing.T, cfg resilience.BreakerConfig) resilience.Breaker {
	t.Helper()
	b, err := sonybreaker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fail(t *testing.T, b resilience.Breaker, times int) {
	t.Helper()
	for range times {
		p, err := b.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.Done(t.Context(), resilience.Failure, nil)
	}
}

func TestWhatGobreakerCannotDoIsRefused(t *testing.T) {
	bad := resilience.BreakerConfig{OpenFor: 1, OpenGrowth: 2, OpenJitter: 0.5, Probes: -1}
	_, err := sonybreaker.New(bad)
	b := build(t, resilience.BreakerConfig{})
	again := b.Reconfigure(bad)
	for _, want := range []string{
		// gobreaker takes a timeout of 0 for one of a minute, and it gets one nanosecond less
		// than what was asked for.
		"OpenFor is 1ns: must be at least 2ns",
		"OpenGrowth is 2: must be 0 or 1",
		"OpenJitter is 0.5: must be 0",
		"Probes is -1", // and what nobody can do
	} {
		for _, err := range []error{err, again} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %s", err, want)
			}
		}
	}
	if got := b.Stats().ProbesToClose; got != 2 {
		t.Errorf("what was refused left %d probes", got)
	}
	if _, err := sonybreaker.New(resilience.BreakerConfig{OpenFor: 2, OpenGrowth: 1}); err != nil {
		t.Errorf("the least that gobreaker can do: %v", err)
	}
}

func TestNewOpenForAndProbesWaitForTheNextClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := build(t, resilience.BreakerConfig{Failures: 1, OpenFor: time.Second, Probes: 1})
		fail(t, b, 1)
		next := resilience.BreakerConfig{Failures: 1, OpenFor: time.Minute, Probes: 2}
		if err := b.Reconfigure(next); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		fail(t, b, 1) // reopens, for as long as before
		if got := time.Until(b.Stats().Until); got != time.Second {
			t.Errorf("reopened for %v; want the old second", got)
		}
		time.Sleep(time.Second)
		p, err := b.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.Done(t.Context(), resilience.Success, nil) // one probe is still enough
		if got := b.State(); got != resilience.Closed {
			t.Fatalf("state %v after one probe", got)
		}
		fail(t, b, 1)
		if got := time.Until(b.Stats().Until); got != time.Minute || b.Stats().ProbesToClose != 2 {
			t.Errorf("after closing: open for %v, %d probes", got, b.Stats().ProbesToClose)
		}
	})
}

func TestAnExpiredLeaseIsNoticedByATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		b := build(t, resilience.BreakerConfig{
			Failures: 1, OpenFor: time.Second, Lease: time.Second,
			Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
				if e.Kind == resilience.EventLeaseExpired {
					told.Add(1)
				}
			}),
		})
		fail(t, b, 1)
		time.Sleep(time.Second)
		if _, err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if told.Load() != 1 { // with no call to notice it
			t.Errorf("told of %d expired leases; want 1", told.Load())
		}
	})
}

func TestAnAdmittedCallCostsOneAllocation(t *testing.T) {
	for name, cfg := range map[string]resilience.BreakerConfig{
		"consecutive": {}, "window": {FailureRate: 0.5}, "slow calls": {SlowRate: 0.5, SlowAfter: time.Second},
	} {
		b := build(t, cfg)
		got := testing.AllocsPerRun(1000, func() {
			p, _ := b.Acquire(context.Background())
			p.Done(context.Background(), resilience.Success, nil)
		})
		if got != 1 {
			t.Errorf("%s: an admitted call costs %v allocations; want 1", name, got)
		}
	}
	b := build(t, resilience.BreakerConfig{Failures: 1, OpenFor: time.Hour})
	fail(t, b, 1)
	if got := testing.AllocsPerRun(1000, func() { _, _ = b.Acquire(context.Background()) }); got != 0 {
		t.Errorf("a rejection costs %v allocations; want 0", got)
	}
}

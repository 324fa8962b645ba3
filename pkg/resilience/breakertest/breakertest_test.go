package breakertest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/breakertest"
)

// A suite that finds nothing proves nothing. Each of these breakers is wrong in one way.

// A flaw changes what a sound breaker says.
type flaw struct {
	resilience.Breaker
	acquire func(context.Context, resilience.Breaker) (resilience.Permit, error)
	state   func(resilience.State) resilience.State
	stats   func(*resilience.Stats)
}

func (f flaw) Acquire(ctx context.Context) (resilience.Permit, error) {
	if f.acquire != nil {
		return f.acquire(ctx, f.Breaker)
	}
	return f.Breaker.Acquire(ctx)
}

func (f flaw) State() resilience.State {
	if f.state != nil {
		return f.state(f.Breaker.State())
	}
	return f.Breaker.State()
}

func (f flaw) Stats() resilience.Stats {
	s := f.Breaker.Stats()
	if f.stats != nil {
		f.stats(&s)
	}
	return s
}

func with(f flaw) breakertest.New {
	return func(cfg resilience.BreakerConfig) (resilience.Breaker, error) {
		b, err := resilience.NewBreaker(cfg)
		f.Breaker = b
		return f, err
	}
}

// changed makes breakers with another configuration than was asked for.
func changed(change func(*resilience.BreakerConfig)) breakertest.New {
	return func(cfg resilience.BreakerConfig) (resilience.Breaker, error) {
		change(&cfg)
		return resilience.NewBreaker(cfg)
	}
}

// A settlerFunc settles the permits of a wrong Acquire.
type settlerFunc func() bool

func (f settlerFunc) Settle(context.Context, resilience.Ticket, resilience.Outcome, error) bool {
	return f()
}

var flawed = map[string]breakertest.New{
	"opens late":     changed(func(c *resilience.BreakerConfig) { c.Failures++ }),
	"opens long":     changed(func(c *resilience.BreakerConfig) { c.OpenFor++ }),
	"leases long":    changed(func(c *resilience.BreakerConfig) { c.Lease++ }),
	"probes more":    changed(func(c *resilience.BreakerConfig) { c.Probes++ }),
	"tells too much": with(flaw{stats: func(s *resilience.Stats) { s.Failures++ }}),
	"hides probes":   with(flaw{stats: func(s *resilience.Stats) { s.ProbesOut = 0 }}),
	"never looks half-open": with(flaw{state: func(s resilience.State) resilience.State {
		if s == resilience.HalfOpen {
			return resilience.Open
		}
		return s
	}}),
	"admits everybody": with(flaw{acquire: func(ctx context.Context, b resilience.Breaker) (resilience.Permit, error) {
		if p, err := b.Acquire(ctx); err == nil {
			return p, nil
		}
		return resilience.NewPermit(settlerFunc(func() bool { return false }), resilience.Ticket{}), nil
	}}),
	"counts whatever comes": with(flaw{acquire: func(ctx context.Context, b resilience.Breaker) (resilience.Permit, error) {
		p, err := b.Acquire(ctx)
		if err != nil {
			return p, err
		}
		return resilience.NewPermit(settlerFunc(func() bool { p.Done(ctx, resilience.Failure, nil); return true }), resilience.Ticket{}), nil
	}}),
}

func TestProgramsFindFlaws(t *testing.T) {
	cfg := resilience.BreakerConfig{Failures: 1, OpenFor: 50, Probes: 2, Lease: 70}
	for name, newBreaker := range flawed {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, err := breakertest.Enumerate(6, cfg, func(p breakertest.Program) error {
					return breakertest.RunProgram(newBreaker, p, cfg)
				})
				if err == nil {
					t.Fatalf("%d programs found nothing wrong", n)
				}
				t.Logf("after %d programs: %.200v", n, err)
			})
		})
	}
}

// A lossy breaker loses updates: it reads and writes its count in two steps. One call
// after the other it is right.
type lossy struct {
	resilience.Breaker
	failures atomic.Int64
}

func (l *lossy) Acquire(context.Context) (resilience.Permit, error) {
	return resilience.NewPermit(l, resilience.Ticket{}), nil
}

func (l *lossy) Settle(_ context.Context, _ resilience.Ticket, o resilience.Outcome, _ error) bool {
	switch o {
	case resilience.Success:
		l.failures.Store(0)
	case resilience.Failure:
		before := l.failures.Load()
		runtime.Gosched()
		l.failures.Store(before + 1)
	}
	return true
}

func (l *lossy) Stats() resilience.Stats {
	s := l.Breaker.Stats()
	s.Failures = int(l.failures.Load())
	return s
}

func TestHistoriesFindLostUpdates(t *testing.T) {
	cfg := resilience.BreakerConfig{Failures: 1000, OpenFor: time.Second}
	newLossy := func(cfg resilience.BreakerConfig) (resilience.Breaker, error) {
		b, err := resilience.NewBreaker(cfg)
		return &lossy{Breaker: b}, err
	}
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 1))
		for range 10_000 {
			if breakertest.CheckHistory(newLossy, cfg, random) != nil {
				return
			}
		}
		t.Error("10000 histories found nothing wrong")
	})
}

func TestAModelRefusesWhatItCannotTell(t *testing.T) {
	if _, err := breakertest.NewModel(resilience.BreakerConfig{OpenJitter: 0.1}); err == nil {
		t.Error("a model with jitter")
	}
	if _, err := breakertest.NewModel(resilience.BreakerConfig{Probes: -1}); err == nil {
		t.Error("a model with -1 probes")
	}
	if err := breakertest.RunProgram(resilience.NewBreaker, nil); err == nil {
		t.Error("a program without a configuration")
	}
	bad := errors.New("bad")
	refuses := func(resilience.BreakerConfig) (resilience.Breaker, error) { return nil, bad }
	if err := breakertest.RunProgram(refuses, nil, resilience.BreakerConfig{}); !errors.Is(err, bad) {
		t.Errorf("a breaker that cannot be made: %v", err)
	}
}

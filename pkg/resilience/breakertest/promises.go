package breakertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// defaults: what the documentation says of zero fields.
func defaults(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, resilience.BreakerConfig{})
	got := s.b.Stats()
	if got.Name != "default" || got.FailuresToOpen != 5 || got.ProbesToClose != 2 {
		t.Errorf("Stats() = %+v; want the name default, 5 failures, 2 probes", got)
	}
	s.calls(failure, failure, failure, failure)
	s.state(resilience.Closed)
	s.calls(failure)
	if d := time.Until(s.b.Stats().Until); d != 5*time.Second {
		t.Errorf("open for %v; want 5s", d)
	}
	time.Sleep(5 * time.Second)
	s.acquire()
	time.Sleep(30*time.Second - 1)
	s.state(resilience.HalfOpen)
	time.Sleep(1 * time.Nanosecond)
	synctest.Wait()
	s.state(resilience.Open) // a lease of 30 s

	s = build(t, newBreaker, resilience.BreakerConfig{FailureRate: 1})
	for range 19 {
		s.calls(failure)
	}
	s.state(resilience.Closed) // 20 calls to judge, and no rule for failures in a row
	time.Sleep(9 * time.Second)
	s.calls(failure)
	s.state(resilience.Open) // a window of 10 s
	s = build(t, newBreaker, resilience.BreakerConfig{FailureRate: 1})
	for range 19 {
		s.calls(failure)
	}
	time.Sleep(10 * time.Second)
	s.calls(failure)
	s.state(resilience.Closed)

	s = build(t, newBreaker, resilience.BreakerConfig{FailureRate: 1, WindowCalls: 3})
	s.calls(failure, failure)
	s.state(resilience.Closed)
	s.calls(failure)
	s.state(resilience.Open)
}

// largeNumbers: nothing is cut to a handier size.
func largeNumbers(t *testing.T, newBreaker New) {
	cfg := config()
	cfg.Failures, cfg.Probes = 1000, 200
	s := build(t, newBreaker, cfg)
	for range 999 {
		s.calls(failure)
	}
	s.state(resilience.Closed)
	s.calls(failure)
	s.state(resilience.Open)
	time.Sleep(cfg.OpenFor)
	for range 200 {
		s.acquire()
	}
	_ = s.rejected()

	for _, cfg := range []resilience.BreakerConfig{
		{FailureRate: 0.5, MinCalls: 2000, WindowCalls: 2000}, {FailureRate: 0.5, MinCalls: 2000},
	} {
		s := build(t, newBreaker, cfg)
		for range 999 {
			s.calls(failure, success)
		}
		s.calls(failure)
		s.counts(resilience.Counts{Failures: 1, Calls: 1999, Failed: 1000})
		s.calls(success)
		s.state(resilience.Open)
	}
}

// doneContexts: a breaker asks about the dependency, not about the caller.
func doneContexts(t *testing.T, newBreaker New) {
	s := build(t, newBreaker, config())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := s.b.Acquire(gone)
	if err != nil || !p.Done(gone, neutral, gone.Err()) {
		t.Errorf("Acquire for a caller that is gone: %v", err)
	}
	s.opened()
	if _, err := s.b.Acquire(gone); !isOpen(err) {
		t.Errorf("Acquire for a caller that is gone, while open: %v", err)
	}
}

func isOpen(err error) bool {
	var open *resilience.OpenError
	return errors.As(err, &open)
}

// rejectionsTold: each with its own error and call, in both states that reject.
func rejectionsTold(t *testing.T, newBreaker New) {
	rec := &recorder{}
	cfg := config()
	cfg.Observer = rec
	s := build(t, newBreaker, cfg)
	for i, state := range []resilience.State{resilience.Open, resilience.HalfOpen} {
		if i == 0 {
			s.opened()
		} else {
			time.Sleep(cfg.OpenFor)
			s.acquire()
			s.acquire()
		}
		before := len(rec.all())
		_, err := s.b.Acquire(context.WithValue(t.Context(), callKey{}, i))
		if !isOpen(err) {
			t.Fatalf("%v: Acquire: %v", state, err)
		}
		told := rec.all()[before:]
		if len(told) != 1 || told[0].Kind != resilience.EventRejected || told[0].Name != "dependency" || !errors.Is(told[0].Err, err) ||
			rec.calls[before] != i {
			t.Errorf("%v: told %+v of call %v; want %v of call %d", state, told, rec.calls[before:], err, i)
		}
	}
}

// toldUnderContention: every rejection and transition of calls that race, once each.
func toldUnderContention(t *testing.T, newBreaker New) {
	const callers, periods = 50, 20
	rec := &recorder{}
	cfg := config()
	cfg.Observer = rec
	s := build(t, newBreaker, cfg)
	s.opened()
	for range periods {
		time.Sleep(cfg.OpenFor)
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				p, err := s.b.Acquire(t.Context())
				if err == nil {
					p.Done(t.Context(), failure, errBoom)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
	}
	probed, rejected := 0, 0
	state := resilience.Closed
	for _, e := range rec.all() {
		switch e.Kind {
		case resilience.EventRejected:
			rejected++
		case resilience.EventTransition:
			if e.Transition.From != state {
				t.Fatalf("a transition from %v follows one to %v", e.Transition.From, state)
			}
			state = e.Transition.To
			if state == resilience.HalfOpen {
				probed++
			}
		}
	}
	// A caller is rejected unless it got one of the period's probes.
	if least := periods * (callers - cfg.Probes); probed != periods || rejected < least || rejected >= periods*callers {
		t.Errorf("told of %d periods and %d rejections; want %d, and %d at least", probed, rejected, periods, least)
	}
}

// forcedFromObserver: whoever is told of a mode may ask for the state, or for another mode.
func forcedFromObserver(t *testing.T, newBreaker New) {
	var (
		b    resilience.Breaker
		told []string
	)
	cfg := config()
	cfg.Observer = resilience.ObserverFunc(func(ctx context.Context, e resilience.Event) {
		told = append(told, fmt.Sprint(e.Kind, " ", b.State(), " ", b.Stats().Mode))
		if e.Kind == resilience.EventMode && e.Mode == resilience.ModeOpen {
			_ = b.Force(ctx, resilience.ModeAutomatic)
			_ = b.Reconfigure(config())
		}
	})
	b = build(t, newBreaker, cfg).b
	if err := b.Force(t.Context(), resilience.ModeOpen); err != nil {
		t.Fatal(err)
	}
	// The first event is told while the breaker is still open; what the observer itself
	// brings about waits its turn.
	want := []string{"mode open open", "transition closed automatic", "mode closed automatic", "transition closed automatic"}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %q; want %q", told, want)
	}
}

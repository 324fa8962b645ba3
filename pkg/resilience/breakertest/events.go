package breakertest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

func transitionsTold(t *testing.T, newBreaker New) {
	rec := &recorder{}
	cfg := config()
	cfg.Observer = rec
	s := build(t, newBreaker, cfg)
	call := func(name string, o resilience.Outcome) {
		ctx := context.WithValue(t.Context(), callKey{}, name)
		p, err := s.b.Acquire(ctx)
		if err == nil {
			p.Done(ctx, o, fmt.Errorf("error of %s", name))
		}
	}
	for i := range 3 {
		call(fmt.Sprint("call ", i), failure)
	}
	opened := time.Now()
	call("turned away", success)
	time.Sleep(cfg.OpenFor)
	call("bad probe", failure)
	time.Sleep(cfg.OpenFor)
	call("good probe", success)
	call("last probe", success)

	type told struct {
		Call, From, To, Reason string
		Failures               int
		Err                    string
	}
	var got []told
	for i, e := range rec.events {
		if e.Name != "dependency" {
			t.Errorf("event %d names breaker %q", i, e.Name)
		}
		if e.Kind == resilience.EventRejected {
			got = append(got, told{Call: fmt.Sprint(rec.calls[i]), Reason: "rejected"})
			continue
		}
		tr := e.Transition
		x := told{fmt.Sprint(rec.calls[i]), tr.From.String(), tr.To.String(), tr.Reason, tr.Failures, ""}
		if tr.Err != nil {
			x.Err = tr.Err.Error()
		}
		got = append(got, x)
	}
	want := []told{
		{"call 2", "closed", "open", "3 of 3 failures in a row", 3, "error of call 2"},
		{Call: "turned away", Reason: "rejected"},
		{"bad probe", "open", "half-open", "open for 5s, probing", 0, ""},
		{"bad probe", "half-open", "open", "a probe failed", 0, "error of bad probe"},
		{"good probe", "open", "half-open", "open for 5s, probing", 0, ""},
		{"last probe", "half-open", "closed", "2 of 2 probes succeeded", 0, ""},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("observer was told\n%s\nwant\n%s", lines(got), lines(want))
	}
	if first := rec.events[0].Transition; !first.At.Equal(opened) || !first.Until.Equal(opened.Add(cfg.OpenFor)) {
		t.Errorf("opened at %v until %v; want %v and %v later", first.At, first.Until, opened, cfg.OpenFor)
	}
	if last := s.b.Stats().Last; last != rec.events[len(rec.events)-1].Transition {
		t.Errorf("Stats().Last = %+v", last)
	}
}

func lines[T any](items []T) string {
	var b strings.Builder
	for _, x := range items {
		fmt.Fprintf(&b, "  %+v\n", x)
	}
	return b.String()
}

// lostProbesTold: the event of a lost probe, and the transition it brings, belong to its
// call.
func lostProbesTold(t *testing.T, newBreaker New) {
	rec := &recorder{}
	cfg := config()
	cfg.Observer = rec
	s := build(t, newBreaker, cfg)
	s.opened()
	time.Sleep(cfg.OpenFor)
	begin := time.Now()
	for i, lease := range []time.Duration{cfg.Lease, cfg.Lease / 2} { // the younger one is lost first
		next := cfg
		next.Lease = lease
		if err := s.b.Reconfigure(next); err != nil {
			t.Fatal(err)
		}
		if _, err := s.b.Acquire(context.WithValue(t.Context(), callKey{}, i)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	time.Sleep(cfg.Lease)
	_, _ = s.b.Acquire(context.WithValue(t.Context(), callKey{}, "late"))
	var got []string
	for i, e := range rec.all() {
		switch e.Kind {
		case resilience.EventLeaseExpired:
			got = append(got, fmt.Sprint(rec.calls[i], ": lost, ", e.Name))
		case resilience.EventTransition:
			got = append(got, fmt.Sprint(rec.calls[i], ": ", e.Transition.To, " at ", e.Transition.At.Sub(begin), ", ", e.Transition.Reason))
		}
	}
	want := []string{
		"<nil>: open at -5s, 3 of 3 failures in a row",
		"0: half-open at 0s, open for 5s, probing",
		"1: lost, dependency", "1: open at 4.5s, a probe outlived its lease of 3.5s",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("observer was told\n%swant\n%s", lines(got), lines(want))
	}
}

// toldInTurn: while an observer is busy with one change, others that happen wait; and no
// call waits for them.
func toldInTurn(t *testing.T, newBreaker New) {
	var (
		mu         sync.Mutex
		busy, most int
		told       []string
		release    = make(chan struct{})
		once       sync.Once
		arrived    = make(chan struct{})
	)
	cfg := config()
	cfg.Observer = resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
		mu.Lock()
		busy++
		most = max(most, busy)
		told = append(told, fmt.Sprint(e.Kind, " ", e.Mode))
		mu.Unlock()
		once.Do(func() { close(arrived); <-release })
		mu.Lock()
		busy--
		mu.Unlock()
	})
	s := build(t, newBreaker, cfg)
	var wg sync.WaitGroup
	wg.Go(func() { s.force(resilience.ModeObserve) })
	<-arrived
	s.force(resilience.ModeClosed)
	s.force(resilience.ModeObserve)
	if len(told) != 1 {
		t.Errorf("the observer was called %d times while it was busy", len(told)-1)
	}
	close(release)
	wg.Wait()
	synctest.Wait()
	if want := "[mode observe mode closed mode observe]"; most != 1 || fmt.Sprint(told) != want {
		t.Errorf("%d at a time, told %v; want 1 at a time, %s", most, told, want)
	}
}

func rudeObservers(t *testing.T, newBreaker New) {
	var b resilience.Breaker
	for name, rude := range map[string]func(){
		"calls back": func() {
			b.State()
			b.Stats()
			if p, err := b.Acquire(t.Context()); err == nil {
				p.Done(t.Context(), neutral, nil)
			}
		},
		"panics": func() { panic("observer") },
		"exits":  runtime.Goexit,
	} {
		var (
			mu   sync.Mutex // a breaker may tell of an expired lease from a timer
			told []string
		)
		cfg := config()
		cfg.Observer = resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
			if e.Kind == resilience.EventTransition {
				mu.Lock()
				told = append(told, e.Transition.To.String())
				mu.Unlock()
				rude()
			}
		})
		b = build(t, newBreaker, cfg).b
		call := func(o resilience.Outcome) {
			done := make(chan struct{})
			go func() { // an observer that exits takes the call's goroutine with it
				defer close(done)
				if p, err := b.Acquire(t.Context()); err == nil {
					p.Done(t.Context(), o, errBoom)
				}
			}()
			<-done
		}
		for range cfg.Failures {
			call(failure)
		}
		time.Sleep(cfg.OpenFor)
		for range 4 * cfg.Probes { // a call whose observer exits between Acquire and Done loses its permit
			call(success)
		}
		time.Sleep(cfg.Lease + cfg.OpenFor)
		for range 4 * cfg.Probes {
			call(success)
		}
		synctest.Wait() // for whoever delivers instead of an observer's goroutine that ended
		mu.Lock()
		seen := slices.Clone(told)
		mu.Unlock()
		order := strings.Join(seen, " ")
		want := "open half-open closed"
		if name == "exits" { // both first probes are lost to the observer, one period each
			want = "open half-open open half-open"
		}
		if !strings.HasPrefix(order, want) {
			t.Errorf("observer that %s was told %q; want %q first", name, order, want)
		}
		for i := 1; i < len(seen); i++ {
			if seen[i] == seen[i-1] {
				t.Errorf("observer that %s was told %q twice in a row", name, seen[i])
			}
		}
	}
}

func badConfigs(t *testing.T, newBreaker New) {
	b, err := newBreaker(resilience.BreakerConfig{Failures: -1, OpenFor: -1, Probes: -1, Lease: -1})
	if err == nil || b != nil {
		t.Fatalf("a negative configuration made %v, %v", b, err)
	}
	for _, field := range []string{"Failures", "OpenFor", "Probes", "Lease"} {
		if !strings.Contains(err.Error(), "BreakerConfig."+field) {
			t.Errorf("error does not name %s: %v", field, err)
		}
	}
}

// contention lets many calls race for the probes of many periods.
func contention(t *testing.T, newBreaker New) {
	const callers, periods = 50, 40
	s := build(t, newBreaker, config())
	s.opened()
	for period := range periods {
		time.Sleep(config().OpenFor)
		var (
			mu      sync.Mutex
			permits []*resilience.Permit
			wg      sync.WaitGroup
		)
		for range callers {
			wg.Go(func() {
				if p, err := s.b.Acquire(t.Context()); err == nil {
					mu.Lock()
					permits = append(permits, &p)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(permits) != config().Probes {
			t.Fatalf("period %d: %d callers got %d permits; want %d", period, callers, len(permits), config().Probes)
		}
		s.state(resilience.HalfOpen)
		counted := 0
		for _, p := range permits {
			wg.Go(func() {
				if p.Done(t.Context(), failure, errBoom) {
					mu.Lock()
					counted++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if counted != 1 {
			t.Fatalf("period %d: %d failed probes counted; want the first only", period, counted)
		}
		s.state(resilience.Open)
	}
}

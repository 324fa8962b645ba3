package breakertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// A Program is a sequence of steps, two bytes each: what to do, and with what. Every
// byte string is one, so that a fuzzer can write them; see [RunProgram].
type Program []byte

// The steps. The second byte says which of the calls in flight, which time, which mode.
const (
	stepAcquire = iota
	stepSuccess
	stepFailure
	stepNeutral
	stepAdvance
	stepPanic   // a call through a chain that panics
	stepGoexit  // one that ends its goroutine
	stepGone    // one whose caller goes away
	stepSettled // settles again a permit that is settled already
	stepForce
	stepReconfigure
	steps
)

var stepNames = [steps]string{
	"acquire", "success", "failure", "neutral", "advance", "panic", "goexit", "gone", "settle again", "force", "reconfigure",
}

// String writes the program in words.
func (p Program) String() string {
	var b strings.Builder
	for i := 0; i+1 < len(p); i += 2 {
		fmt.Fprintf(&b, "%s %d; ", stepNames[p[i]%steps], p[i+1])
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// RunProgram runs p against a new breaker and against the [Model], in a synctest bubble
// that the caller provides, and compares them after every step: what Acquire and Done
// say, State and Stats, and at the end the transitions that the observer was told. The
// error says where they differ.
//
// The configurations after the first are those that a reconfigure step turns to, and
// back.
func RunProgram(newBreaker New, p Program, cfgs ...resilience.BreakerConfig) error {
	if len(cfgs) == 0 {
		return errors.New("breakertest: a program needs a configuration")
	}
	r := &run{cfgs: cfgs, advances: advances(cfgs[0])}
	cfg := cfgs[0]
	cfg.Observer = &r.told
	model, err := NewModel(cfgs[0])
	if err != nil {
		return err
	}
	r.model, r.begin = model, time.Now()
	if r.breaker, err = newBreaker(cfg); err != nil {
		return err
	}
	r.chain, err = resilience.Chain(resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: r.breaker}))
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(p); i += 2 {
		if err := r.step(int(p[i])%steps, int(p[i+1])); err != nil {
			return fmt.Errorf("after %v: %w", p[:i+2], err)
		}
	}
	if err := r.acquire(); err != nil { // so that nothing is left to be noticed
		return fmt.Errorf("after %v: %w", p, err)
	}
	if err := r.compareChanges(); err != nil {
		return fmt.Errorf("after %v: %w", p, err)
	}
	r.letGo()
	return nil
}

// run is a program being run.
type run struct {
	cfgs     []resilience.BreakerConfig
	advances []time.Duration
	begin    time.Time
	told     recorder
	model    *Model
	breaker  resilience.Breaker
	chain    resilience.Handler
	calls    []*pair // in flight
	done     []*pair
}

// A pair is one call, as both see it.
type pair struct {
	permit resilience.Permit
	number int
}

// advances are the times worth waiting for: each limit, and a nanosecond less.
func advances(c resilience.BreakerConfig) []time.Duration {
	c = c.WithDefaults()
	list := []time.Duration{1}
	for _, d := range []time.Duration{c.OpenFor, c.Lease, c.SlowAfter, c.WindowTime / 10, c.WindowTime, c.OpenFor + c.Lease} {
		if d > 1 {
			list = append(list, d, d-1)
		}
	}
	return list
}

func (r *run) now() time.Duration { return time.Since(r.begin) }

func (r *run) step(step, arg int) error {
	ctx := context.Background()
	switch step {
	case stepAcquire:
		if err := r.acquire(); err != nil {
			return err
		}
	case stepSuccess, stepFailure, stepNeutral:
		outcome := [...]resilience.Outcome{resilience.Success, resilience.Failure, resilience.Neutral}[step-stepSuccess]
		if err := r.settle(arg, outcome); err != nil {
			return err
		}
	case stepAdvance:
		time.Sleep(r.advances[arg%len(r.advances)])
		synctest.Wait() // for a breaker that notices by a timer
	case stepPanic:
		r.unwind(ctx, func(context.Context) error { panic("boom") }, resilience.Failure)
	case stepGoexit:
		r.unwind(ctx, func(context.Context) error { runtime.Goexit(); return nil }, resilience.Failure)
	case stepGone:
		gone, cancel := context.WithCancel(ctx)
		r.unwind(gone, func(ctx context.Context) error { cancel(); return ctx.Err() }, resilience.Neutral)
	case stepSettled:
		if len(r.done) > 0 {
			if p := r.done[arg%len(r.done)]; p.permit.Done(ctx, resilience.Failure, errBoom) {
				return errors.New("a settled permit counted again")
			}
		}
	case stepForce:
		mode := resilience.Mode(arg % 4)
		r.model.Force(r.now(), mode)
		if err := r.breaker.Force(ctx, mode); err != nil {
			return err
		}
	case stepReconfigure:
		cfg := r.cfgs[arg%len(r.cfgs)]
		r.model.Reconfigure(r.now(), cfg)
		if err := r.breaker.Reconfigure(cfg); err != nil {
			return err
		}
	}
	return r.compare()
}

func (r *run) acquire() error {
	permit, err := r.breaker.Acquire(context.Background())
	number, admitted := r.model.Acquire(r.now())
	if admitted != (err == nil) {
		return fmt.Errorf("Acquire: %v; the model admits: %v", err, admitted) //nolint:errorlint // may be nil
	}
	if admitted {
		r.calls = append(r.calls, &pair{permit, number})
	}
	return nil
}

func (r *run) settle(which int, o resilience.Outcome) error {
	if len(r.calls) == 0 {
		return nil
	}
	i := which % len(r.calls)
	p := r.calls[i]
	r.calls = append(r.calls[:i], r.calls[i+1:]...)
	r.done = append(r.done, p)
	got, want := p.permit.Done(context.Background(), o, errBoom), r.model.Done(r.now(), p.number, o)
	if got != want {
		return fmt.Errorf("Done(%v) = %v; the model says %v", o, got, want)
	}
	return nil
}

// unwind makes a whole call that ends the hard way.
func (r *run) unwind(ctx context.Context, op resilience.Op, o resilience.Outcome) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { _ = recover() }()
		_ = r.chain(ctx, op)
	}()
	<-ended
	if number, ok := r.model.Acquire(r.now()); ok {
		r.model.Done(r.now(), number, o)
	}
}

func (r *run) compare() error {
	got := r.breaker.Stats()
	want, until := r.model.Stats(r.now())
	gotUntil := time.Duration(0)
	if !got.Until.IsZero() {
		gotUntil = got.Until.Sub(r.begin)
	}
	state := r.breaker.State()
	got.Name, got.Last, got.Until = "", resilience.Transition{}, time.Time{}
	if got != want || gotUntil != until || state != want.State {
		return fmt.Errorf("at %v State() = %v, Stats() = %+v until %v\nwant %+v until %v", r.now(), state, got, gotUntil, want, until)
	}
	return nil
}

// compareChanges compares what the observer was told with what the model did.
func (r *run) compareChanges() error {
	var got []Change
	for _, e := range r.told.all() {
		if e.Kind != resilience.EventTransition && e.Kind != resilience.EventWouldOpen {
			continue
		}
		t := e.Transition
		c := Change{From: t.From, To: t.To, At: t.At.Sub(r.begin), Counts: t.Counts, Would: e.Kind == resilience.EventWouldOpen}
		if !t.Until.IsZero() {
			c.Until = t.Until.Sub(r.begin)
		}
		got = append(got, c)
	}
	if fmt.Sprint(got) != fmt.Sprint(r.model.Changes) {
		return fmt.Errorf("the observer was told\n%swant\n%s", lines(got), lines(r.model.Changes))
	}
	return nil
}

// letGo settles what is in flight, so that no timer of the breaker is left running.
func (r *run) letGo() {
	for _, p := range r.calls {
		p.permit.Done(context.Background(), resilience.Neutral, nil)
	}
}

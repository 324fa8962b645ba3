package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

func compartment(t *testing.T, cfg resilience.CompartmentConfig) *resilience.Compartment {
	t.Helper()
	c, err := resilience.NewCompartment(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stats fails the test unless so many run and wait.
func stats(t *testing.T, c *resilience.Compartment, running, waiting int) {
	t.Helper()
	synctest.Wait()
	if got := c.Stats(); got.Running != running || got.Waiting != waiting {
		t.Errorf("%d running, %d waiting; want %d and %d", got.Running, got.Waiting, running, waiting)
	}
}

// rejection is err as a BulkheadError of the given reason, or the test's end.
func rejection(t *testing.T, err error, want resilience.BulkheadReason) *resilience.BulkheadError {
	t.Helper()
	e, ok := errors.AsType[*resilience.BulkheadError](err)
	if !ok || e.Reason != want || !resilience.Rejected(err) {
		t.Fatalf("error %v; want a rejection: %s", err, want)
	}
	return e
}

func sleeping(d time.Duration) resilience.Op {
	return func(context.Context) error { time.Sleep(d); return nil }
}

// TestBulkheadLimit: never more at once than there are slots, and all slots are used.
func TestBulkheadLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 3, MaxQueue: 100})
		handlers := []resilience.Handler{chain(t, resilience.Bulkhead(c)), chain(t, resilience.Bulkhead(c))} // they share it
		var running atomic.Int64
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				err := handlers[i%2](t.Context(), func(context.Context) error {
					defer running.Add(-1)
					if n := running.Add(1); n > 3 {
						t.Errorf("%d at once", n)
					}
					time.Sleep(time.Second)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		stats(t, c, 3, 27)
		wg.Wait()
		if time.Since(begin) != 10*time.Second {
			t.Errorf("%v in all; want 10s: a slot stayed empty", time.Since(begin))
		}
		stats(t, c, 0, 0)
	})
}

func TestBulkheadIsFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: 10})
		h := chain(t, resilience.Bulkhead(c))
		var order []int
		var wg sync.WaitGroup
		for i := range 6 {
			ctx := t.Context()
			if i == 3 { // gives up in the middle of the queue
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 500*ms)
				defer cancel()
			}
			wg.Go(func() {
				_ = h(ctx, func(context.Context) error { order = append(order, i); time.Sleep(time.Second); return nil })
			})
			synctest.Wait()
		}
		wg.Wait()
		if want := []int{0, 1, 2, 4, 5}; !slices.Equal(order, want) {
			t.Errorf("served %v; want %v", order, want)
		}
	})
}

func TestBulkheadTurnsAway(t *testing.T) {
	errGone := errors.New("gone")
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []string
		c := compartment(t, resilience.CompartmentConfig{
			Name: "db", MaxConcurrent: 1, MaxQueue: 1, MaxWait: time.Second,
			Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
				mu.Lock()
				defer mu.Unlock()
				events = append(events, fmt.Sprint(e.Kind, " ", e.Name, ": ", e.Err))
			}),
		})
		h := chain(t, resilience.Bulkhead(c))
		never := func(context.Context) error { t.Error("the operation ran"); return nil }
		go func() { _ = h(t.Context(), sleeping(time.Minute)) }()
		synctest.Wait()

		begin := time.Now()
		e := rejection(t, h(t.Context(), never), resilience.BulkheadTimeout)
		if e.Compartment != "db" || e.MaxConcurrent != 1 || e.MaxQueue != 1 || e.MaxWait != time.Second || e.Cause != nil {
			t.Errorf("error %+v", e)
		}
		if time.Since(begin) != time.Second {
			t.Errorf("waited %v; want MaxWait", time.Since(begin))
		}

		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(500*ms, func() { cancel(errGone) })
		begin = time.Now()
		if err := h(ctx, never); !errors.Is(err, errGone) || time.Since(begin) != 500*ms {
			t.Errorf("error %v after %v", err, time.Since(begin))
		} else {
			_ = rejection(t, err, resilience.BulkheadContext)
		}
		_ = rejection(t, h(ctx, never), resilience.BulkheadContext) // done already: not even for a moment in the queue
		stats(t, c, 1, 0)

		go func() { _ = h(t.Context(), never) }()
		synctest.Wait()
		_ = rejection(t, h(t.Context(), never), resilience.BulkheadFull)
		time.Sleep(time.Second)
		stats(t, c, 1, 0)
		want := []string{
			`rejected db: resilience: bulkhead "db": waited too long (1 may run, 1 may wait for 1s)`,
			`rejected db: resilience: bulkhead "db": context done (1 may run, 1 may wait for 1s): gone`,
			`rejected db: resilience: bulkhead "db": context done (1 may run, 1 may wait for 1s): gone`,
			`rejected db: resilience: bulkhead "db": full (1 may run, 1 may wait for 1s)`,
			`rejected db: resilience: bulkhead "db": waited too long (1 may run, 1 may wait for 1s)`,
		}
		if !slices.Equal(events, want) {
			t.Errorf("told\n%s\nwant\n%s", strings.Join(events, "\n"), strings.Join(want, "\n"))
		}
		time.Sleep(time.Minute)
	})
}

// TestBulkheadWithoutAQueue turns away at once; its text has no waiting in it.
func TestBulkheadWithoutAQueue(t *testing.T) {
	c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1})
	h := chain(t, resilience.Bulkhead(c))
	err := h(t.Context(), func(ctx context.Context) error { return h(ctx, succeed) })
	_ = rejection(t, err, resilience.BulkheadFull)
	if want := `resilience: bulkhead "default": full (1 may run, 0 may wait)`; err.Error() != want {
		t.Errorf("text %q; want %q", err, want)
	}
	if s := c.Stats(); s != (resilience.CompartmentStats{Name: "default", MaxConcurrent: 1}) {
		t.Errorf("stats %+v", s)
	}
}

// TestSlotsComeBack from an operation that panics and from one that ends its goroutine,
// to those who wait.
func TestSlotsComeBack(t *testing.T) {
	for name, op := range map[string]resilience.Op{
		"panic":  func(context.Context) error { time.Sleep(time.Second); panic(errBoom) },
		"Goexit": func(context.Context) error { time.Sleep(time.Second); runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: 1})
				h := chain(t, resilience.Bulkhead(c))
				go func() {
					defer func() { _ = recover() }()
					_ = h(t.Context(), op)
				}()
				synctest.Wait()
				if err := h(t.Context(), succeed); err != nil {
					t.Errorf("the one that waited: %v", err)
				}
				stats(t, c, 0, 0)
			})
		})
	}
}

// TestHandOver: a slot that is handed over in the very moment that the call stops waiting
// is neither lost nor used twice, whichever comes first.
func TestHandOver(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  resilience.CompartmentConfig
		ctx  func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"context done", resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: 2}, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}},
		{"waited too long", resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: 2, MaxWait: time.Second}, context.WithCancel},
	} {
		t.Run(c.name, func(t *testing.T) {
			outcomes := map[string]int{}
			for range 300 {
				synctest.Test(t, func(t *testing.T) {
					slots := compartment(t, c.cfg)
					h := chain(t, resilience.Bulkhead(slots))
					go func() { _ = h(t.Context(), sleeping(time.Second)) }() // gives its slot back just then
					synctest.Wait()
					ctx, cancel := c.ctx(t.Context())
					defer cancel()
					ran := false
					err := h(ctx, func(context.Context) error { ran = true; return nil })
					if ran != (err == nil) {
						t.Fatalf("ran: %v, error %v", ran, err)
					}
					outcomes[fmt.Sprint(err == nil)]++
					stats(t, slots, 0, 0)
					if err := h(t.Context(), succeed); err != nil {
						t.Fatalf("the next call: %v", err)
					}
				})
			}
			t.Logf("admitted: %v", outcomes)
		})
	}
}

// TestASlotHandedToOneWhoLeftIsPassedOn to the next in the queue.
func TestASlotHandedToOneWhoLeftIsPassedOn(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 1, MaxQueue: 2})
			h := chain(t, resilience.Bulkhead(c))
			ctx, leave := context.WithCancel(t.Context())
			release, served := make(chan struct{}), make(chan struct{})
			go func() { _ = h(t.Context(), func(context.Context) error { <-release; return nil }) }()
			synctest.Wait()
			go func() { _ = h(ctx, succeed) }()
			synctest.Wait()
			go func() { _ = h(t.Context(), func(context.Context) error { close(served); return nil }) }()
			synctest.Wait()
			go leave()
			close(release)
			<-served // or the bubble is deadlocked, which fails the test
			stats(t, c, 0, 0)
		})
	}
}

func TestReconfigureACompartment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := compartment(t, resilience.CompartmentConfig{Name: "db", MaxConcurrent: 1, MaxQueue: 5})
		h := chain(t, resilience.Bulkhead(c))
		reconfigure := func(cfg resilience.CompartmentConfig) {
			t.Helper()
			if err := c.Reconfigure(cfg); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			go func() { _ = h(t.Context(), sleeping(time.Second)) }()
		}
		stats(t, c, 1, 4)
		reconfigure(resilience.CompartmentConfig{MaxConcurrent: 3, MaxQueue: 5}) // those who wait go in at once
		stats(t, c, 3, 2)
		// Down: who runs runs to the end, who waits goes on waiting, also beyond the new queue.
		reconfigure(resilience.CompartmentConfig{Name: "db", MaxConcurrent: 1, MaxQueue: 1})
		stats(t, c, 3, 2)
		_ = rejection(t, h(t.Context(), succeed), resilience.BulkheadFull)
		time.Sleep(time.Second)
		stats(t, c, 1, 1)
		time.Sleep(2 * time.Second)
		stats(t, c, 0, 0)

		before := c.Stats()
		err := c.Reconfigure(resilience.CompartmentConfig{Name: "other", MaxQueue: -1, MaxWait: -1})
		for _, field := range []string{"Name", "MaxConcurrent", "MaxQueue", "MaxWait"} {
			if err == nil || !strings.Contains(err.Error(), "CompartmentConfig."+field+" is ") {
				t.Errorf("%s is not named in %v", field, err)
			}
		}
		if got := c.Stats(); got != before {
			t.Errorf("refused, and changed from %+v to %+v", before, got)
		}
	})
}

// TestABulkheadUnderConcurrency is for the race detector: callers of little patience,
// limits that change, and in the end nothing is left.
func TestABulkheadUnderConcurrency(t *testing.T) {
	random := seeded(t)
	seeds := make([]int, 400)
	for i := range seeds {
		seeds[i] = random.IntN(1000)
	}
	synctest.Test(t, func(t *testing.T) {
		c := compartment(t, resilience.CompartmentConfig{MaxConcurrent: 2, MaxQueue: 50, MaxWait: 300 * ms})
		h := chain(t, resilience.Bulkhead(c))
		var admitted, rejected, running atomic.Int64
		var wg sync.WaitGroup
		for _, seed := range seeds {
			wg.Go(func() {
				time.Sleep(time.Duration(seed) * ms)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seed%50)*10*ms)
				defer cancel()
				err := h(ctx, func(context.Context) error {
					defer running.Add(-1)
					if n := running.Add(1); n > 4 { // the largest that the limit has been
						t.Errorf("%d at once", n)
					}
					time.Sleep(time.Duration(seed%7+1) * 3 * ms) // more than there are slots for
					return nil
				})
				if err == nil {
					admitted.Add(1)
				} else {
					rejected.Add(1)
				}
			})
		}
		for i := range 100 {
			if err := c.Reconfigure(resilience.CompartmentConfig{MaxConcurrent: 1 + i%4, MaxQueue: 50, MaxWait: 300 * ms}); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * ms)
		}
		wg.Wait()
		stats(t, c, 0, 0)
		if admitted.Load() == 0 || rejected.Load() == 0 {
			t.Errorf("%d admitted, %d rejected: this shows nothing", admitted.Load(), rejected.Load())
		}
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// quiet is a worker of these jobs whose log nobody reads.
func quiet(t *testing.T, recipients ...string) *worker {
	t.Helper()
	w, err := newWorker(newQueue(recipients...), log.New(io.Discard, "", 0))
	if err != nil {
		t.Fatal(err)
	}
	w.profile = func(context.Context, string) (string, error) { return "fr", nil }
	return w
}

// TestOutageBuriesNothing: however long it is, whether a mail went out before it, and with
// few jobs or many. The longest here outlasts what it took to bury all jobs one probe at a
// time: maxTries × OpenFor × jobs.
func TestOutageBuriesNothing(t *testing.T) {
	for _, jobs := range []int{1, 2, 3, 10} {
		for _, before := range []int{0, 1} {
			for _, outage := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute} {
				for _, failAfter := range []time.Duration{0, time.Minute} { // at once, or it hangs
					name := fmt.Sprintf("%d jobs, %d mails before, down for %v, fails after %v", jobs, before, outage, failAfter)
					t.Run(name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { outageBuriesNothing(t, jobs, before, outage, failAfter) })
					})
				}
			}
		}
	}
}

func outageBuriesNothing(t *testing.T, jobs, before int, outage, failAfter time.Duration) {
	w := quiet(t, slices.Repeat([]string{"ann"}, jobs+before)...)
	began, sent, tried := time.Now(), 0, 0
	w.send = func(ctx context.Context, _, _ string) error {
		if tried++; sent < before || time.Since(began) >= outage {
			sent++
			return nil
		}
		pause(ctx, failAfter)
		return io.ErrUnexpectedEOF
	}
	w.work(t.Context())
	if got, want := w.queue.String(), fmt.Sprintf("%d done, 0 waiting, 0 dead", jobs+before); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// It takes five failures to open the breaker, and then one probe every two seconds.
	if most := 5 + int(outage/(2*time.Second)) + jobs + before; tried > most {
		t.Errorf("tried %d times, want at most %d", tried, most)
	}
	if took := time.Since(began); took > outage+5*time.Second {
		t.Errorf("took %v, with an outage of %v", took, outage)
	}
}

// TestRestartsInAnOutage: a worker that has just begun has seen no mail go out.
func TestRestartsInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quiet(t, "ann")
		tried := 0
		w.send = func(context.Context, string, string) error {
			tried++
			return io.ErrUnexpectedEOF
		}
		for range 2 * maxTries {
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			w.work(ctx)
			stop()
			pause(t.Context(), 2*time.Second) // until the breaker probes
		}
		if tried < 2*maxTries || len(w.queue.dead) > 0 {
			t.Errorf("tried %d times, %s", tried, w.queue)
		}
	})
}

// TestBadJobsInAnOutage: that an address is refused does not make what fails after it count.
func TestBadJobsInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bad = "not an address"
		w := quiet(t, "ann")
		began := time.Now()
		w.send = func(ctx context.Context, recipient, _ string) error {
			pause(ctx, 100*time.Millisecond)
			switch {
			case recipient == bad:
				return resilience.Permanent(errors.New("550 no such mailbox"))
			case time.Since(began) >= time.Minute:
				return nil
			}
			w.queue.putBack(job{recipient: bad})
			return io.ErrUnexpectedEOF
		}
		w.work(t.Context())
		for _, j := range w.queue.dead {
			if j.recipient != bad {
				t.Errorf("dead: %v", j)
			}
		}
		if w.queue.finished != 1 || len(w.queue.dead) < maxTries {
			t.Error(w.queue)
		}
	})
}

// TestTurnedAwayIsNoTry: not even after a mail that went out, as with other workers that
// have opened the breaker since.
func TestTurnedAwayIsNoTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quiet(t, slices.Repeat([]string{"ann"}, 20)...)
		asked := 0
		w.mails = func(context.Context, resilience.Op) error {
			if asked++; asked%2 == 0 {
				return &resilience.OpenError{State: resilience.HalfOpen}
			}
			return nil
		}
		w.work(t.Context())
		if got, want := w.queue.String(), "20 done, 0 waiting, 0 dead"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestPoison: jobs that make the dependency fail end as dead letters, and only they. Where
// there is little to do they are most of what is tried: they open the breaker, and with two
// probes needed they keep it from closing.
func TestPoison(t *testing.T) {
	for _, poison := range []int{1, 2, 6} {
		for _, every := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second} {
			t.Run(fmt.Sprintf("%d, and a good job every %v", poison, every), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { poisonEnds(t, poison, every) })
			})
		}
	}
}

func poisonEnds(t *testing.T, poison int, every time.Duration) {
	w := quiet(t, slices.Repeat([]string{"poison"}, poison)...)
	ctx, stop := context.WithTimeout(t.Context(), time.Hour)
	defer stop()
	next := time.Now()
	w.send = func(ctx context.Context, recipient, _ string) error {
		pause(ctx, time.Millisecond)
		for ; !time.Now().Before(next); next = next.Add(every) {
			if len(w.queue.dead) < poison {
				w.queue.putBack(job{recipient: "ann"})
			}
		}
		if recipient == "poison" {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	w.work(ctx)
	if want := slices.Repeat([]job{{"poison", maxTries - 1}}, poison); !slices.Equal(w.queue.dead, want) || len(w.queue.waiting) > 0 {
		t.Errorf("dead: %v, want %v; %s", w.queue.dead, want, w.queue)
	}
}

// TestPoisonAmongProbes: the breaker stands open after each failure, and ends its retries.
func TestPoisonAmongProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quiet(t, "ann", "poison")
		w.mails = func(ctx context.Context, op resilience.Op) error { return op(ctx) }
		w.send = func(_ context.Context, recipient, _ string) error {
			if recipient != "poison" {
				return nil
			}
			if len(w.queue.dead) == 0 {
				w.queue.putBack(job{recipient: "ann"})
			}
			return &resilience.RetryError{Attempts: 2, Last: &resilience.OpenError{Until: time.Now().Add(time.Second)}}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		w.work(ctx)
		if want := []job{{"poison", maxTries - 1}}; !slices.Equal(w.queue.dead, want) {
			t.Errorf("dead: %v, want %v", w.queue.dead, want)
		}
	})
}

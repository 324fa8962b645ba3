package caller

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFeedTellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		w.decide(0) // nobody watches
		time.Sleep(time.Second)
		if got := w.asked.Load(); got != 0 {
			t.Errorf("%d snapshots for nobody", got)
		}
		a := w.watch()
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := a.res.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		a.want(t, "retry 1000", `1s 0 snapshot {"n":1}`)
		time.Sleep(100 * time.Millisecond)
		w.decide(1)
		w.decide(2)
		time.Sleep(time.Millisecond)
		w.decide(3)
		a.want(t)
		time.Sleep(49 * time.Millisecond)
		// The next of twelve ticks from one snapshot to the next, all at once.
		const at = `{"at":"1970-01-01T00:00:01Z","n":`
		a.want(t, `1.104166665s 1 retry `+at+`1}`, `1.104166665s 2 retry `+at+`2}`, `1.104166665s 3 retry `+at+`3}`)
		w.decide(4)
		b := w.watch() // is told of what happened in its tick, too
		time.Sleep(100 * time.Millisecond)
		b.want(t, "retry 1000", `1.15s 3 snapshot {"n":2}`, `1.166666664s 4 retry `+at+`4}`, `1.25s 5 snapshot {"n":3}`)
		a.want(t, `1.166666664s 4 retry `+at+`4}`, `1.25s 5 snapshot {"n":3}`)
		time.Sleep(500 * time.Millisecond)
		want := []string{`1.5s 6 snapshot {"n":4}`, `1.75s 7 snapshot {"n":5}`}
		a.want(t, want...)
		b.want(t, want...)
		a.stop()
		b.stop()
		time.Sleep(time.Minute)
		if got := w.asked.Load(); got != 5 || w.watching.Load() != 0 {
			t.Errorf("%d snapshots, %d watch", got, w.watching.Load())
		}
	})
}

// TestFeedGoesOnForMinutes: the server's limit for reading a request is none for its answer.
func TestFeedGoesOnForMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		x := w.watch()
		time.Sleep(10 * time.Minute)
		seen := x.take()
		if len(seen) != 2+10*60*4 || seen[len(seen)-1] != `10m0s 2400 snapshot {"n":2401}` {
			t.Errorf("%d events, the last %s, then %v", len(seen), seen[len(seen)-1], x.ended())
		}
	})
}

// TestFeedRhythm: so many readers are never written to more than 5000 times a second.
func TestFeedRhythm(t *testing.T) {
	for _, c := range []struct {
		readers      int
		period, tick time.Duration
	}{
		{1, 250 * time.Millisecond, 250 * time.Millisecond / 12},
		{100, 250 * time.Millisecond, 250 * time.Millisecond / 12},
		{500, 250 * time.Millisecond, 125 * time.Millisecond},
		{1000, 250 * time.Millisecond, 250 * time.Millisecond},
		{2000, 400 * time.Millisecond, 400 * time.Millisecond},
	} {
		if period, tick := feedRhythm(c.readers); period != c.period || tick != c.tick {
			t.Errorf("%d readers: %v, %v; want %v, %v", c.readers, period, tick, c.period, c.tick)
		}
	}
	for readers := 1; readers <= maxFeedReaders; readers++ {
		if _, tick := feedRhythm(readers); float64(readers)/tick.Seconds() > 5000.001 || tick < feedTick {
			t.Errorf("%d readers, each %v", readers, tick)
		}
	}
}

func TestFeedCostsNothingUnwatched(t *testing.T) {
	f := newFeed(func() any { return nil })
	var v any = madeDecision{1}
	now := time.Now()
	if got := testing.AllocsPerRun(100, func() { f.publish("retry", now, v) }); got != 0 || len(f.decisions) != 0 {
		t.Errorf("%v allocations, %d decisions", got, len(f.decisions))
	}
	if f.join(newFeedReader(nil)) != "" {
		t.Fatal("not joined")
	}
	if got := testing.AllocsPerRun(2*maxFeedWaiting, func() { f.publish("retry", now, v) }); got != 0 || f.lost.Load() == 0 {
		t.Errorf("watched, with nobody to take them: %v allocations, %d lost", got, f.lost.Load())
	}
}

package resilience

import (
	"testing"
	"time"
)

// naiveWindow remembers everything and counts anew.
type naiveWindow struct {
	calls int           // of a window of calls, or
	span  time.Duration // of a window of time
	ended []naiveCall
}

type naiveCall struct {
	at           time.Duration
	failed, slow bool
}

func (w *naiveWindow) sum(now time.Duration) windowSum {
	var s windowSum
	for i, c := range w.ended {
		if w.calls > 0 && len(w.ended)-i > w.calls {
			continue
		}
		if width := (w.span + 9) / 10; w.calls == 0 && int64(now/width)-int64(c.at/width) >= 10 {
			continue
		}
		s.add(c.failed, c.slow, 1)
	}
	return s
}

// FuzzWindows compares both windows with naive ones. Two bytes are a step: what happens,
// and after how long.
func FuzzWindows(f *testing.F) {
	f.Add(uint16(1), []byte{1, 0, 2, 0, 3, 1})
	f.Add(uint16(10), []byte{1, 9, 2, 1, 1, 10, 0, 255, 3, 11})
	f.Add(uint16(97), []byte{1, 96, 2, 97, 1, 98, 4, 0, 3, 5})
	f.Add(uint16(1000), []byte{0, 0, 0, 255, 1, 255, 2, 255, 3, 255, 0, 100, 8, 255, 1, 1})
	f.Fuzz(func(t *testing.T, size uint16, steps []byte) {
		n := max(int(size), 1)
		if len(steps) > 4000 {
			return
		}
		for _, c := range []struct {
			name  string
			real  window
			naive naiveWindow
		}{
			{"calls", newWindow(BreakerConfig{FailureRate: 1, WindowCalls: n}), naiveWindow{calls: n}},
			{"time", newWindow(BreakerConfig{SlowRate: 1, WindowTime: time.Duration(n)}), naiveWindow{span: time.Duration(n)}},
		} {
			var now time.Duration
			for i := 0; i+1 < len(steps); i += 2 {
				wait := time.Duration(steps[i+1])
				if steps[i]&8 != 0 { // far beyond the window
					wait *= time.Duration(n)
				}
				now += wait
				want := c.naive.sum(now)
				if got := c.real.sum(now); got != want {
					t.Fatalf("%s of %d, step %d: %+v; want %+v", c.name, n, i/2, got, want)
				}
				if steps[i]&4 != 0 {
					c.real.reset()
					c.naive.ended = nil
					continue
				}
				failed, slow := steps[i]&1 != 0, steps[i]&2 != 0
				c.naive.ended = append(c.naive.ended, naiveCall{now, failed, slow})
				if got, want := c.real.add(now, failed, slow), c.naive.sum(now); got != want {
					t.Fatalf("%s of %d, step %d, added: %+v; want %+v", c.name, n, i/2, got, want)
				}
			}
		}
	})
}

func TestAStragglerCountsAsThePresent(t *testing.T) {
	w := newTimeWindow(10)
	w.add(100, true, false)
	w.add(50, false, false) // its clock was read before the other's, and its lock taken after
	if got, want := w.sum(100), (windowSum{calls: 2, failed: 1}); got != want {
		t.Errorf("sum = %+v; want %+v", got, want)
	}
}

// FuzzInFlight compares the list with a scan. A byte is a step: begin, end one, or wait;
// and sometimes a clock that was read too early.
func FuzzInFlight(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 9, 1, 0, 3, 1, 1})
	f.Add([]byte{0, 2, 3, 0, 0, 3, 2, 0, 1, 5, 4, 2, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		const slowAfter = 10
		var (
			l    inFlight
			now  time.Duration = 5
			live []*Record
		)
		for _, s := range steps {
			switch s % 6 {
			case 0:
				live = append(live, l.add(now))
			case 1: // overtaken on the way to the lock
				live = append(live, l.add(max(0, now-time.Duration(s/6)%3)))
			case 2, 3:
				now += time.Duration(s / 6)
			case 4:
				if len(live) > 0 {
					i := int(s/6) % len(live)
					l.remove(live[i])
					live = append(live[:i], live[i+1:]...)
				}
			case 5:
				if s > 200 {
					l.restart()
				}
			}
			want := 0
			for _, r := range live {
				if now-r.begin >= slowAfter {
					want++
				}
			}
			if got := l.overdueAt(now, slowAfter); got != want {
				t.Fatalf("overdueAt = %d; want %d", got, want)
			}
			if s%2 == 0 {
				if l.advance(now, slowAfter); l.overdue != want {
					t.Fatalf("overdue = %d; want %d", l.overdue, want)
				}
			}
		}
		for _, r := range live {
			l.remove(r)
		}
		if l.oldest != nil || l.newest != nil || l.overdue != 0 || l.firstYoung != nil {
			t.Fatalf("an empty list holds %+v", l)
		}
	})
}

package flaky

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// story sends a request each 100 ms, the first at once, and returns what each saw and when.
func (r replica) story(n int, patience time.Duration) string {
	answers := make([]string, n)
	begin := time.Now()
	var all sync.WaitGroup
	for i := range n {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
		all.Go(func() {
			defer cancel()
			got, _ := r.get(ctx)
			answers[i] = fmt.Sprintf("%s@%v", got, time.Since(begin))
		})
		time.Sleep(100 * time.Millisecond)
	}
	all.Wait()
	return strings.Join(answers, " ")
}

func TestQueueDisciplines(t *testing.T) {
	for capacity, want := range map[string]string{
		// The first goes to work; two wait; more are turned away at once.
		`"queue":2`: "200@1s 200@2s 200@3s 503@300ms 503@400ms",
		`"queue":0`: "200@1s 503@100ms 503@200ms 503@300ms 503@400ms",
		// Under lifo those that have waited longest are turned away, when the next one comes.
		`"queue":2,"discipline":"lifo"`: "200@1s 503@300ms 503@400ms 200@3s 200@2s",
		`"queue":0,"discipline":"lifo"`: "200@1s 503@100ms 503@200ms 503@300ms 503@400ms",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, `{"retry_after":"3s","capacity":{"workers":1,"service_time":{"value":"1s"},`+capacity+`}}`)
			if got := r.story(5, time.Minute); got != want {
				t.Errorf("%s: %s; want %s", capacity, got, want)
			}
			s := r.service.read(time.Second)
			if n := uint64(strings.Count(want, "503")); s.Outcomes[outcomeOverload] != n || s.Busy != 0 || s.Queue != 0 || s.InFlight != 0 {
				t.Errorf("%s: %+v", capacity, s)
			}
		})
	}
}

// TestAbandonedRequests: whose clients wait 1.5 s, where two are served in 2 s. A server
// that does not look works on for nobody; one that does serves the next in time.
func TestAbandonedRequests(t *testing.T) {
	for drop, want := range map[bool]string{
		false: "200@1s timeout@1.6s timeout@1.7s timeout@1.8s | busy until 4s",
		true:  "200@1s timeout@1.6s timeout@1.7s timeout@1.8s | busy until 1.8s",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, fmt.Sprintf(`{"capacity":{"workers":1,"queue":10,"service_time":{"value":"1s"},"drop_abandoned":%v}}`, drop))
			begin := time.Now()
			got := r.story(4, 1500*time.Millisecond)
			for synctest.Wait(); r.service.read(time.Second).InFlight > 0; synctest.Wait() {
				time.Sleep(100 * time.Millisecond)
			}
			if got := fmt.Sprint(got, " | busy until ", time.Since(begin)); got != want {
				t.Errorf("drop %v: %s; want %s", drop, got, want)
			}
			if diff := cmp.Diff(map[outcome]uint64{outcomeOK: 1, outcomeAbandoned: 3}, r.service.read(time.Second).Outcomes); diff != "" {
				t.Errorf("drop %v: -want +got:\n%s", drop, diff)
			}
		})
	}
}

// TestLoadOutlivesItsCause: what waits goes on waiting when the capacity changes, and is let
// in when there is more of it, or no bound at all.
func TestLoadOutlivesItsCause(t *testing.T) {
	// Whoever is worked on keeps its 10 s; where nothing bounds the work any more, so do all.
	for change, want := range map[string]string{
		`{"capacity":{"workers":3,"queue":10,"service_time":{"value":"1s"}}}`: "200@1.5s 200@1.5s 200@10s 200@2.5s",
		`{}`: "200@10.5s 200@10.5s 200@10.5s 200@10s",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, `{"capacity":{"workers":1,"queue":10,"service_time":{"value":"10s"}}}`)
			begin := time.Now()
			var mu sync.Mutex
			var got []string
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					status, _ := r.get(context.WithoutCancel(t.Context()))
					mu.Lock()
					defer mu.Unlock()
					got = append(got, fmt.Sprintf("%s@%v", status, time.Since(begin)))
				})
			}
			time.Sleep(500 * time.Millisecond)
			if s := r.service.read(time.Second); s.Busy != 1 || s.Queue != 3 || s.InFlight != 4 {
				t.Errorf("%+v", s)
			}
			r.faults("PUT", change)
			all.Wait()
			slices.Sort(got)
			if got := strings.Join(got, " "); got != want {
				t.Errorf("%s: %s; want %s", change, got, want)
			}
		})
	}
}

// TestAPhaseLetsThoseInWhoWait, at its beginning and not when the next request comes.
func TestAPhaseLetsThoseInWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"schedule":[{"for":"4s","capacity":{"workers":1,"queue":10,"service_time":{"value":"10s"}}}]}`)
		begin := time.Now()
		var all sync.WaitGroup
		var last time.Duration
		for i := range 3 {
			all.Go(func() {
				r.get(context.WithoutCancel(t.Context()))
				if i == 2 {
					last = time.Since(begin)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if last != 14*time.Second {
			t.Errorf("who waited was served after %v; want 14s", last)
		}
	})
}

// TestLittlesLaw: requests in flight = rate × latency, exactly, by the integrals of /stats.
func TestLittlesLaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"seed":4,"latency":`+distributions[3].document+`}`)
		before := r.service.read(time.Second)
		var mu sync.Mutex
		var waited float64
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() {
				_, after := r.get(context.WithoutCancel(t.Context()))
				mu.Lock()
				defer mu.Unlock()
				waited += after.Seconds()
			})
			time.Sleep(7 * time.Millisecond)
		}
		all.Wait()
		after := r.service.read(time.Second)
		if got := after.InFlightSeconds - before.InFlightSeconds; got < waited*0.999999 || got > waited*1.000001 || waited == 0 {
			t.Errorf("∫ in flight = %v s; the clients waited %v s", got, waited)
		}
	})
}

// TestQueueSeconds: the integral is what the requests waited, all together.
func TestQueueSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"capacity":{"workers":1,"queue":10,"service_time":{"value":"1s"}}}`)
		var all sync.WaitGroup
		for range 4 { // waiting 0, 1, 2 and 3 s
			all.Go(func() { r.get(context.WithoutCancel(t.Context())) })
		}
		all.Wait()
		if got := r.service.read(time.Second).QueueSeconds; got < 5.999999 || got > 6.000001 {
			t.Errorf("∫ queue = %v s; want 6", got)
		}
	})
}

// TestTheQueueEndsWithTheServer, also for those that nobody waits for any more.
func TestTheQueueEndsWithTheServer(t *testing.T) {
	for _, drop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, fmt.Sprintf(`{"capacity":{"workers":1,"queue":10,"service_time":{"value":"5m"},"drop_abandoned":%v}}`, drop))
			begin := time.Now()
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					ctx := context.WithoutCancel(t.Context())
					if i > 1 {
						ctx = within(t, 100*time.Millisecond)
					}
					if got, _ := r.get(ctx); i <= 1 && got != "503" {
						t.Errorf("drop %v: %s", drop, got)
					}
				})
			}
			time.Sleep(time.Second)
			r.end()
			all.Wait()
			if got := time.Since(begin); got > 3*time.Second {
				t.Errorf("drop %v: ended after %v; the grace is a second", drop, got)
			}
			if s := r.service.read(time.Second); s.Busy != 0 || s.Queue != 0 || s.InFlight != 0 {
				t.Errorf("drop %v: %+v", drop, s)
			}
		})
	}
}

// TestNoWorkerIsLost when a request gives up in the very moment in which it gets one, and
// the queue's integral ends with those that give up.
func TestNoWorkerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := &Capacity{Workers: 1, Queue: 10, DropAbandoned: true}
		for range 200 {
			p := pool{limits: limits}
			p.enter(t.Context())
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan entry)
			go func() {
				e, _ := p.enter(ctx)
				got <- e
			}()
			synctest.Wait()
			cancel() // both before the waiting one wakes
			p.leave()
			if <-got == entered {
				p.leave()
			}
			if busy, queue, _ := p.load(time.Now()); busy != 0 || queue != 0 {
				t.Fatalf("%d busy, %d in the queue, and nobody there", busy, queue)
			}
		}
		p := pool{limits: limits}
		p.enter(t.Context())
		if e, waited := p.enter(within(t, 2*time.Second)); e != ended || waited != 2*time.Second {
			t.Errorf("%v after %v", e, waited)
		}
		time.Sleep(time.Minute)
		if _, _, seconds := p.load(time.Now()); seconds != 2 {
			t.Errorf("∫ queue = %v s; want 2", seconds)
		}
	})
}

// TestAStragglerChangesNothingBack: a request that was decided under an earlier document.
func TestAStragglerChangesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"capacity":{"workers":5,"service_time":{"value":"1s"}}}`)
		old := r.service.inForce.Load()
		r.faults("PUT", `{"capacity":{"workers":1,"service_time":{"value":"1s"}}}`)
		r.service.pool.configure(old, time.Now())
		if got := r.service.pool.limits.Workers; got != 1 {
			t.Errorf("%d workers", got)
		}
	})
}

// TestASlowServerIsFastAgainForAll: also for those who have come, and waited, while it was
// slow; and slow for those who have come while it was fast.
func TestASlowServerIsFastAgainForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"schedule":[
			{"for":"15s","capacity":{"workers":1,"queue":10,"service_time":{"value":"10s"}}},
			{"for":"6s","capacity":{"workers":1,"queue":10,"service_time":{"value":"1s"}}}
		],"capacity":{"workers":1,"queue":10,"service_time":{"value":"100s"}}}`)
		begin, ended := time.Now(), make([]time.Duration, 5)
		var all sync.WaitGroup
		for i := range ended {
			all.Go(func() {
				r.get(context.WithoutCancel(t.Context()))
				ended[i] = time.Since(begin)
			})
			synctest.Wait()
		}
		all.Wait()
		// Two begin in the slow phase, at 0 s and 10 s, the next in the fast one, at 20 s, and
		// the others when that is over, at 21 s.
		want := []time.Duration{10 * time.Second, 20 * time.Second, 21 * time.Second, 121 * time.Second, 221 * time.Second}
		if diff := cmp.Diff(want, ended); diff != "" {
			t.Errorf("served at -want +got:\n%s", diff)
		}
	})
}

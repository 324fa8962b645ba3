package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/pkg/resilience"
)

const want = `ann: done, in fr
  attempt 1 failed, another follows: connection reset
bob: done, in fr
  fallback instead: no answer within 100ms
  attempt 1 failed, another follows: 421 service not available
  attempt 2 failed, another follows: 421 service not available
cem: back to the queue, 1 of 3 tries: gave up at attempt 3 (attempts used up): 421 service not available
dee: back to the queue, 0 of 3 tries: gave up at attempt 1 (retry budget empty): 421 service not available
  breaker mail: closed → open, 5 of 5 failures in a row
eve: back to the queue, 0 of 3 tries: gave up at attempt 1 (retry budget empty): 421 service not available
not an address: back to the queue, 0 of 3 tries: breaker mail is open
  pause of 2s
  breaker mail: open → half-open, open for 2s, probing
  breaker mail: half-open → open, a probe failed
fay: back to the queue, 0 of 3 tries: gave up at attempt 1 (retry budget empty): 421 service not available
  fallback instead: no answer within 100ms
cem: back to the queue, 1 of 3 tries: breaker mail is open
  pause of 1.9s
  breaker mail: open → half-open, open for 2s, probing
dee: done, in fr
  breaker mail: half-open → closed, 2 of 2 probes succeeded
eve: done, in fr
not an address: dead letter, 550 no such mailbox
fay: done, in fr
  fallback instead: no answer within 100ms
cem: done, in en
end: 6 done, 0 waiting, 1 dead
`

// TestRun has what became of each job, and why. A goroutine that the program left behind
// would keep the bubble from ending.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var out bytes.Buffer
		if err := run(t.Context(), &out); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(out.String(), "\n")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// Two pauses of two seconds, and three profiles that take a tenth.
		if took := time.Since(began); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestStop: the worker ends at once, in the middle of a job and of a pause, and no job is
// lost by it.
func TestStop(t *testing.T) {
	for after, want := range map[time.Duration]string{
		75 * time.Millisecond: "cem: back to the queue, the worker is told to stop\nend: 2 done, 5 waiting, 0 dead\n",
		time.Second:           "not an address: back to the queue, 0 of 3 tries: breaker mail is open\n  pause of 2s\nend: 2 done, 5 waiting, 0 dead\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), after)
			defer stop()
			began := time.Now()
			var out bytes.Buffer
			if err := run(ctx, &out); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != after {
				t.Errorf("took %v, was told to stop after %v", took, after)
			}
			if !strings.HasSuffix(out.String(), want) {
				t.Errorf("ends with\n%s\nnot with\n%s", out.String(), want)
			}
		})
	}
}

// TestPause: the worker leaves an open breaker alone, be it that a job was not tried at all
// or that its retries ended there. One that cannot say how long does not make it spin.
func TestPause(t *testing.T) {
	const long = 7 * time.Second
	for name, of := range map[string]func(open error) error{
		"rejected":      func(open error) error { return open },
		"retries ended": func(open error) error { return &resilience.RetryError{Attempts: 2, Last: open} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quiet(t, "ann")
				asked := 0
				w.mails = func(context.Context, resilience.Op) error {
					switch asked++; asked {
					case 1, 2, 3:
						return of(&resilience.OpenError{State: resilience.HalfOpen})
					case 4:
						return of(&resilience.OpenError{State: resilience.Open, Until: time.Now().Add(long)})
					}
					return nil
				}
				began := time.Now()
				w.work(t.Context())
				if took := time.Since(began); took != 3*minPause+long || w.queue.finished != 1 {
					t.Errorf("asked %d times in %v, %s", asked, took, w.queue)
				}
			})
		})
	}
}

// TestBadJobsDoNotOpenTheBreaker: there are more of them than it takes.
func TestBadJobsDoNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bad = "not an address"
		w := quiet(t, bad, bad, bad, bad, bad, bad, bad, "ann")
		w.profile, w.send = newDependencies()
		began := time.Now()
		w.work(t.Context())
		if got, want := w.queue.String(), "1 done, 0 waiting, 7 dead"; got != want || time.Since(began) != 0 {
			t.Errorf("%s after %v, want %s at once", got, time.Since(began), want)
		}
	})
}

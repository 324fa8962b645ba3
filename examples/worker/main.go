// Command worker takes jobs from a queue and has each done by a dependency, in a way that
// neither loses jobs nor makes an outage worse.
//
// work and chains.go are what to take home. A job that failed goes back to the queue, one
// that cannot succeed goes to the dead letters. So does one that fails again and again while
// the dependency is well: a failure counts against a job only if the mail before it went out.
// In an outage no mail goes out, so that it can count once, against its first job, however
// long it is. While the circuit breaker is open no job is tried at all: the worker pauses
// for as long as the breaker says. A retry budget keeps retries from multiplying the load
// before it has opened. What a job can do without, the recipient's language, has a fallback.
// When the context ends, the job that is worked on goes back.
//
// This is one loop. Several may share a real queue and the two chains; how many there are is
// then the bulkhead.
//
//	go run ./examples/worker
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"reliability/pkg/resilience"
)

const (
	maxTries = 3                      // that count against a job, until it is a dead letter
	minPause = 100 * time.Millisecond // a breaker that is held open, or probes, cannot say how long
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

type worker struct {
	queue   *queue
	out     *log.Logger
	profile func(ctx context.Context, recipient string) (language string, err error)
	send    func(ctx context.Context, recipient, language string) error

	profiles, mails resilience.Handler // the chains to both
}

// work does jobs until there are none left, or ctx ends.
func (w *worker) work(ctx context.Context) {
	well := false // the dependency, as far as the job before this one can tell
	for {
		job, ok := w.queue.take(ctx)
		if !ok {
			return
		}
		language, err := w.do(ctx, job)
		counts := well && !resilience.Rejected(err)
		well = err == nil // an address may be refused in an outage, too
		switch {
		case err == nil:
			w.out.Printf("%s: done, in %s", job.recipient, language)
			w.queue.done(job)
		case ctx.Err() != nil:
			w.out.Printf("%s: back to the queue, the worker is told to stop", job.recipient)
			w.queue.putBack(job)
		case resilience.IsPermanent(err), counts && job.tries+1 >= maxTries:
			w.out.Printf("%s: dead letter, %s", job.recipient, inWords(err))
			w.queue.bury(job)
		default:
			if counts {
				job.tries++
			}
			w.out.Printf("%s: back to the queue, %d of %d tries: %s", job.recipient, job.tries, maxTries, inWords(err))
			w.queue.putBack(job)
		}
		if open, ok := errors.AsType[*resilience.OpenError](err); ok { // also one that ended the retries
			wait := max(open.RetryAfter(), minPause)
			w.out.Printf("  pause of %v", wait.Round(minPause))
			pause(ctx, wait)
		}
	}
}

func (w *worker) do(ctx context.Context, j job) (language string, err error) {
	language, err = resilience.Do(ctx, w.profiles, func(ctx context.Context) (string, error) { return w.profile(ctx, j.recipient) })
	if err == nil {
		err = w.mails(ctx, func(ctx context.Context) error { return w.send(ctx, j.recipient, language) })
	}
	return language, err
}

// pause ends early when ctx does.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func run(ctx context.Context, stdout io.Writer) error {
	out := log.New(stdout, "", 0)
	q := newQueue("ann", "bob", "cem", "dee", "eve", "not an address", "fay")
	w, err := newWorker(q, out)
	if err != nil {
		return err
	}
	w.profile, w.send = newDependencies()
	w.work(ctx)
	out.Printf("end: %s", q)
	return nil
}

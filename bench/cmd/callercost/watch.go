package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"reliability/bench/internal/openloop"
	"reliability/bench/internal/process"
	"reliability/bench/internal/server"
	"reliability/bench/internal/statistics"
	"reliability/bench/internal/wire"
)

// watched is what calls and memory were like with readers of events, and without.
type watched struct {
	Alone, Read statistics.Quantiles // of all calls' latencies
	Median, P99 statistics.Estimate  // of the pairs' ratios, with readers to without
	Events      float64              // a second, to each reader that is not stalled
	Lost        int64                // readers that are not stalled, and were dropped
	footprint                        // that of the pair in which readers cost the most
}

// A footprint is what caller's process holds before, with and after readers.
type footprint struct {
	Readers               int
	Before, During, After process.Stats
}

// cost is that of one reader, in KiB.
func (f footprint) cost() float64 {
	return f.each(float64(f.During.Heap+f.During.Stacks) - float64(f.Before.Heap+f.Before.Stacks))
}

// kept is what is left of one reader, in KiB.
func (f footprint) kept() float64 { return f.each(float64(f.After.Heap) - float64(f.Before.Heap)) }

func (f footprint) each(bytes float64) float64 { return bytes / float64(f.Readers) / (1 << 10) }

// watch measures calls at a steady rate, while events are read and while they are not.
func (r *report) watch(ctx context.Context, stderr io.Writer) (err error) {
	dependency, err := server.Start(ctx, "flaky", server.Steady)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dependency.End()) }()
	subject, err := startCaller(ctx, stderr, dependency.Addr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subject.End()) }()
	var ready string
	audience, err := process.Start(ctx, stderr, &ready, beReaders, subject.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, audience.End()) }() // before caller ends

	w := &watch{
		options: r.options, ctx: ctx, caller: subject, audience: audience, pool: &wire.Pool{Addr: subject.addr},
	}
	defer w.pool.Close()
	pairs, err := statistics.Pairs(r.Pairs, w.alone, w.read)
	if err != nil {
		return err
	}
	r.Watched = w.watched
	r.Watched.latencies(pairs)
	return nil
}

// A watch is what both kinds of slices share.
type watch struct {
	options
	watched

	ctx      context.Context //nolint:containedctx // the slices are functions of nothing
	caller   *callerProcess
	audience *process.Child
	pool     *wire.Pool

	reading bool // the second slice of two with readers is next
	opened  time.Time
	now     footprint // of this pair
	warm    bool      // the first pair is over, in which what is kept of calls fills up
}

type latencies = []time.Duration

// alone measures a slice without readers.
func (w *watch) alone() (latencies, error) { return w.slice() }

// read measures a slice with readers: the first of two lets them in, and the second one
// out.
func (w *watch) read() (latencies, error) {
	w.reading = !w.reading
	if w.reading {
		if err := w.open(); err != nil {
			return nil, err
		}
		return w.slice()
	}
	took, err := w.slice()
	return took, errors.Join(err, w.close())
}

func (w *watch) open() (err error) {
	w.pool.Close() // what is held for calls is not for readers
	if w.now.Before, err = w.caller.rest(w.ctx, quiet); err != nil {
		return err
	}
	w.opened = time.Now()
	return w.audience.Ask(fmt.Sprintf(openReaders, w.Readers), new(readersState))
}

// close takes stock before it lets the readers go, and afterwards.
func (w *watch) close() error {
	var state readersState
	if err := w.audience.Ask(countReaders, &state); err != nil {
		return err
	}
	reading := float64((w.Readers + 1) / 2)
	w.Events, w.Lost = float64(state.Events)/reading/time.Since(w.opened).Seconds(), w.Lost+state.Lost
	w.pool.Close()
	var err error
	if w.now.During, err = w.caller.stats(); err != nil {
		return err
	}
	if err := w.audience.Ask(closeReaders, &state); err != nil {
		return err
	}
	if _, err = w.caller.until(w.ctx, func(s process.Stats) bool {
		return s.Goroutines <= mostGoroutines(w.now.Before.Goroutines)
	}); err != nil {
		return err
	}
	if w.now.After, err = w.caller.rest(w.ctx, quiet); err != nil {
		return err
	}
	w.now.Readers = w.Readers
	if w.warm && (w.footprint.Readers == 0 || w.now.cost() > w.cost()) {
		w.footprint = w.now
	}
	w.warm = true
	return nil
}

// slice makes calls, and returns how long after the moment at which it was to begin each
// was answered.
func (w *watch) slice() (latencies, error) {
	var mu sync.Mutex
	var took latencies
	var errs []error
	openloop.Load{Rate: float64(w.Rate)}.Run(w.ctx, w.Watch, func(ctx context.Context, begin time.Time) {
		status, body := 0, ""
		err := w.pool.Ask(ctx, call, func(s int, b []byte) { status, body = s, string(b) })
		d := time.Since(begin)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("a call was answered %d: %s", status, body)
		}
		mu.Lock()
		defer mu.Unlock()
		took, errs = append(took, d), append(errs, err)
	})
	if len(took) == 0 {
		errs = append(errs, fmt.Errorf("in %v no call is due at %d a second", w.Watch, w.Rate))
	}
	return took, errors.Join(append(errs, w.ctx.Err())...)
}

// latencies compares each pair's calls with readers to those without.
func (w *watched) latencies(pairs []statistics.Pair[latencies]) {
	var alone, read latencies
	var medians, tails []float64
	for _, p := range pairs {
		off, on := slices.Concat(p.One[:]...), slices.Concat(p.Other[:]...)
		a, b := statistics.QuantilesOf(off), statistics.QuantilesOf(on)
		medians = append(medians, float64(b.Median)/float64(a.Median))
		tails = append(tails, float64(b.P99)/float64(a.P99))
		alone, read = append(alone, off...), append(read, on...)
	}
	w.Alone, w.Read = statistics.QuantilesOf(alone), statistics.QuantilesOf(read)
	w.Median, w.P99 = statistics.EstimateOf(medians), statistics.EstimateOf(tails)
}

package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// Options say how an experiment is run.
type Options struct {
	Seed     uint64 // 1 to 2^53-1
	Negative string // a negative control, see [Negative]
	Fleet    int    // callers of the largest fleet, 100 to 10,000; 0: [DefaultFleet]
	// Command is by which an experiment can be repeated, without its name and seed. Nil: it
	// cannot be.
	Command func(Experiment) string
}

// Execute runs one experiment in a world. Whatever goes wrong is in the result.
func Execute(ctx context.Context, e Experiment, w *world.World, o Options) report.Result {
	began := time.Now()
	result := report.Result{
		Name: e.Name, Claim: e.Claim, Lesson: e.Lesson, World: w.Name, Seed: o.Seed, Negative: o.Negative, Unit: w.Unit, Began: began,
		Repeat: repeat(e, o),
	}
	if i := slices.IndexFunc(e.Negatives, func(n Negative) bool { return n.Name == o.Negative }); i >= 0 {
		result.MustFail = e.Negatives[i].Fails
	}
	if len(e.Worlds) > 0 && !slices.Contains(e.Worlds, w.Name) {
		result.Skipped = "runs only in the world " + strings.Join(e.Worlds, " or ")
		return result
	}
	// A machine that had no time for it is asked again: what is really wrong fails each time.
	const most = 3
	for n := 1; ; n++ {
		run := result
		excused, err := execute(ctx, e, w, o, &run)
		if excused && err == nil && n < most {
			continue
		}
		result = run
		if n > 1 {
			result.Setup = append(result.Setup, fmt.Sprintf("run %d times: this machine was too busy before", n))
		}
		switch {
		case errors.Is(err, world.ErrNotHere):
			result.Skipped = err.Error()
		case err != nil:
			result.Err = err.Error()
		}
		break
	}
	result.Took = time.Since(began)
	return result
}

func repeat(e Experiment, o Options) string {
	if o.Command == nil {
		return ""
	}
	command := fmt.Sprintf("%s %s --seed %d", o.Command(e), e.Name, o.Seed)
	if o.Fleet != 0 && o.Fleet != DefaultFleet {
		command += fmt.Sprintf(" --fleet %d", o.Fleet)
	}
	if o.Negative != "" {
		command += " --negative " + o.Negative
	}
	return command
}

func execute(ctx context.Context, e Experiment, w *world.World, o Options, result *report.Result) (excused bool, err error) {
	r := &Run{World: w, Seed: o.Seed, U: w.Unit, negative: o.Negative, result: result, served: &served{}, late: &lateness{}, fleet: cmp.Or(o.Fleet, DefaultFleet), begin: time.Now()}
	defer func() { // a service that does what nobody expects is no reason to leave the others unjudged
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if !w.Virtual() {
		r.Varies("all that hangs on time, which is real here; faults and back-offs are those of the seed")
	}
	if e.Setup.None {
		err = e.Run(ctx, r)
	} else {
		err = r.Within(ctx, e.Setup, e.Run)
	}
	result.Calls = r.served.read()
	return r.late.excuse(result), err
}

// Within runs f over services of its own, beside those of r if there are any. What f finds
// goes into r's result, so it must not do so from several goroutines.
func (r *Run) Within(ctx context.Context, s world.Setup, f func(ctx context.Context, r *Run) error) (err error) {
	inner := *r
	if inner.System, err = r.World.Start(ctx, s); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inner.Close()) }()
	before, err := inner.Served(ctx)
	if err != nil {
		return err
	}
	inner.begin = time.Now()
	if err := f(ctx, &inner); err != nil {
		return err
	}
	after, err := inner.Served(ctx)
	if err == nil {
		r.served.add(after - before)
	}
	return err
}

// AtOnce runs n parts of an experiment that do not share services, at once where services
// are started for each, and one after the other in a running deployment.
func (r *Run) AtOnce(n int, part func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		if r.World.Name == world.NameCluster {
			errs[i] = part(i)
			continue
		}
		all.Go(func() { errs[i] = part(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// served counts requests. It is safe for concurrent use.
type served struct{ n atomic.Int64 }

func (s *served) add(n int) { s.n.Add(int64(n)) }
func (s *served) read() int { return int(s.n.Load()) }

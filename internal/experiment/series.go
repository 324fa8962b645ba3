package experiment

import (
	"context"
	"slices"
	"sync"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// A Series is several experiments, one after the other or at once.
type Series struct {
	Experiments []Experiment
	Options     Options
	// In calls f with the world that the experiment runs in, and returns when f has.
	In func(ctx context.Context, e Experiment, f func(ctx context.Context, w *world.World)) error
	// Parallel is how many may run at once. Those that measure latency run alone where time
	// is real, and after the others. 0: 1.
	Parallel int
	Virtual  bool // time is not real
	// Began and Ended are told of each, one call at a time. They may be nil.
	Began func(Experiment)
	Ended func(report.Result)
}

// Run runs them all, and returns their results in the order of the experiments. An
// experiment that has not begun when ctx ends is left out, and said to be.
func (s Series) Run(ctx context.Context) []report.Result {
	results := make([]report.Result, len(s.Experiments))
	var alone, together []int
	for i, e := range s.Experiments {
		if e.Latency && !s.Virtual {
			alone = append(alone, i)
			continue
		}
		together = append(together, i)
	}
	var telling sync.Mutex // held while Began or Ended is called
	one := func(i int) {
		e := s.Experiments[i]
		telling.Lock()
		if s.Began != nil {
			s.Began(e)
		}
		telling.Unlock()
		results[i] = s.one(ctx, e)
		telling.Lock()
		defer telling.Unlock()
		if s.Ended != nil {
			s.Ended(results[i])
		}
	}
	waiting := make(chan int)
	var workers sync.WaitGroup
	for range min(max(1, s.Parallel), len(together)) {
		workers.Go(func() {
			for i := range waiting {
				one(i)
			}
		})
	}
	for _, i := range together {
		waiting <- i
	}
	close(waiting)
	workers.Wait()
	for _, i := range alone {
		one(i)
	}
	return results
}

// one runs one. Real time is taken here: in a bubble there is none.
func (s Series) one(ctx context.Context, e Experiment) report.Result {
	began := time.Now()
	var result report.Result
	err := context.Cause(ctx)
	if err == nil {
		err = s.In(ctx, e, func(ctx context.Context, w *world.World) { result = Execute(ctx, e, w, s.Options) })
	}
	if err != nil {
		result = report.Result{Name: e.Name, Claim: e.Claim, Lesson: e.Lesson, Seed: s.Options.Seed, Negative: s.Options.Negative, Repeat: repeat(e, s.Options), Err: err.Error()}
	}
	result.Began, result.Took = began, time.Since(began)
	return result
}

// OnlySimulated reports whether an experiment runs in no other world.
func OnlySimulated(e Experiment) bool { return slices.Equal(e.Worlds, []string{world.NameSimulated}) }

// OnlyCluster reports whether an experiment runs only in a deployment that somebody else has
// brought up.
func OnlyCluster(e Experiment) bool { return slices.Equal(e.Worlds, []string{world.NameCluster}) }

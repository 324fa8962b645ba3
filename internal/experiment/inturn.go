package experiment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"reliability/internal/experiment/world"
)

// InTurn makes calls one after the other: each when it is due and the one before has ended,
// the first by the first caller, the second by the next, and round again. So the breaker of a
// caller sees them in their order, however the machine is loaded. Group and call are as in
// [Run.Calls].
func (r *Run) InTurn(ctx context.Context, callers []*world.Caller, group string, due []time.Duration, call func(i int) world.Call) ([]Sample, error) {
	samples := make([]Sample, len(due))
	begin := time.Now()
	for i, after := range due {
		if err := r.Wait(ctx, after-time.Since(begin)); err != nil {
			return nil, err
		}
		var one world.Call
		if call != nil {
			one = call(i)
		}
		if one.ID == "" {
			one.ID = fmt.Sprintf("%s-%s-%d", r.result.Name, group, i)
		}
		done := callers[i%len(callers)].Call(ctx, one)
		if done.Err != nil {
			return nil, fmt.Errorf("%s: call %d of %d: %w", group, i, len(due), done.Err)
		}
		done.Latency += done.Began.Sub(begin.Add(after))
		samples[i] = Sample{after, done}
	}
	return samples, nil
}

// Wait waits for d, or returns the error with which ctx has ended.
func (r *Run) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

// sideBySide does all of these side by side, and waits for each.
func sideBySide(all ...func() error) error {
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for i, one := range all {
		running.Go(func() { errs[i] = one() })
	}
	running.Wait()
	return errors.Join(errs...)
}

// paced is when n calls are due, one after each gap.
func paced(n int, gap time.Duration) []time.Duration {
	due := make([]time.Duration, n)
	for i := range due {
		due[i] = time.Duration(i) * gap
	}
	return due
}

// RenewBreakers closes every breaker with nothing counted.
func (r *Run) RenewBreakers(ctx context.Context) error {
	for _, c := range r.Callers {
		for _, engine := range engines() {
			if err := c.RenewBreaker(ctx, engine); err != nil {
				return err
			}
		}
	}
	return nil
}

package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"reliability/internal/experiment/world"
	"reliability/services/flaky"
)

// succeeded is how many calls of a load did, and failed how many did not.
func succeeded(samples []Sample) int { return len(samples) - failed(samples) }

func failed(samples []Sample) int {
	n := 0
	for _, s := range samples {
		if !s.OK() {
			n++
		}
	}
	return n
}

// reached is how many attempts of a load reached the dependency.
func reached(samples []Sample) int {
	n := 0
	for _, s := range samples {
		n += s.Reached()
	}
	return n
}

// span is the least and the most of a number over the calls of a load. No calls have none.
func span[N int | float64](samples []Sample, of func(Sample) N) (low, high N) {
	for i, s := range samples {
		n := of(s)
		if i == 0 {
			low, high = n, n
		}
		low, high = min(low, n), max(high, n)
	}
	return low, high
}

// EachMakes judges that every call of a load makes so many attempts that reach the
// dependency.
func (r *Run) EachMakes(name, claim string, want int, samples []Sample) {
	low, high := span(samples, func(s Sample) int { return s.Reached() })
	seen := strconv.Itoa(low)
	if low != high {
		seen = fmt.Sprintf("%d to %d", low, high)
	}
	r.Holds(name, claim, fmt.Sprintf("%d each", want), fmt.Sprintf("%s each, of %d calls", seen, len(samples)), len(samples) > 0 && low == want && high == want)
}

// underWay is how many calls were under way at the same moment, at most, as their clients saw
// it. At a service they are no more: there each begins later and ends earlier.
func underWay(samples []Sample) int {
	type change struct {
		at time.Duration
		by int
	}
	changes := make([]change, 0, 2*len(samples))
	for _, s := range samples {
		changes = append(changes, change{s.Due, 1}, change{s.Due + s.Latency, -1})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.by, a.by)) })
	now, most := 0, 0
	for _, c := range changes {
		now += c.by
		most = max(most, now)
	}
	return most
}

// RetryAllowance is the allowance of attempts that have a connection of their own, as every
// retry does. It replaces the policy in force.
func (r *Run) RetryAllowance(ctx context.Context) (time.Duration, error) {
	if err := r.SetPolicy(ctx, world.Doc{"order": []string{}, "connections": world.Doc{"mode": "per_request"}}); err != nil {
		return 0, err
	}
	return r.Allowance(ctx)
}

// settled is what flaky has seen when nothing is with it any more: of a request that it cut
// off, or whose caller went, the outcome is counted a moment after that caller knows.
func (r *Run) settled(ctx context.Context) (flaky.Stats, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, max(time.Second, r.Units(10)), errors.New("flaky is still busy with requests that nobody waits for"))
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		stats, err := r.Flaky.Stats(ctx, time.Second)
		if err != nil || stats.InFlight == 0 {
			return stats, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return stats, context.Cause(ctx)
		}
	}
}

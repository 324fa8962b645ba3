package experiment

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"reliability/internal/experiment/world"
	"reliability/pkg/resilience"
	"reliability/pkg/resilience/sonybreaker"
)

// judge compares what the engines answered, call by call.
func (p enginePair) judge(r *Run, rule breakerRule) {
	claim := "the same answers, states and counts at each call, opening at " + rule.claim
	if why := p.tooLate(r); why != "" {
		r.Inconclusive(rule.name, claim, why)
		return
	}
	differ, first := 0, ""
	for i, a := range p.calls[0] {
		one, other := decision(a), decision(p.calls[1][i])
		if one == other {
			continue
		}
		if differ++; first == "" {
			first = fmt.Sprintf(", the first is call %d: %s against %s", i+1, one, other)
		}
	}
	r.Holds(rule.name, claim, "0 differ", fmt.Sprintf("%d of %d differ%s", differ, len(p.calls[0]), first), differ == 0)
}

// tooLate says why nothing can be said about a pair, or "".
func (p enginePair) tooLate(r *Run) string {
	if p.late <= r.Units(enginesLate) {
		return ""
	}
	return fmt.Sprintf("a call ended %v after it was due, and from %v on it may have met the end of the open time or of the window", p.late, r.Units(enginesLate))
}

// decision is all that a breaker decided and counted by the end of a call.
func decision(s Sample) string {
	b := s.Breaker
	return fmt.Sprintf("%s, then %s with %d in a row, %d of %d failed, %d probes passed, reopened %d times",
		s.Outcome, b.State, b.Failures, b.Failed, b.Calls, b.ProbesPassed, b.Reopened)
}

// judgeCovered is that there was something to agree about.
func (r *Run) judgeCovered(pairs []enginePair) {
	want := []string{"closed→open", "half-open→closed", "half-open→open"} // which open→half-open precedes
	var seen []string                                                     // under each rule
	for _, p := range pairs {
		var kinds []string
		for _, s := range p.calls[0] {
			if last := s.Breaker.Last; last != nil && last.From != "open" {
				kinds = append(kinds, last.From+"→"+last.To)
			}
		}
		slices.Sort(kinds)
		seen = append(seen, strings.Join(slices.Compact(kinds), ", "))
	}
	all := strings.Join(want, ", ")
	covered := !slices.ContainsFunc(seen, func(kinds string) bool { return kinds != all })
	if covered {
		seen = seen[:1]
	}
	r.Holds("covered", "transitions that the calls bring about, under each rule", all, strings.Join(seen, "; "), covered)
}

// permits is how often a permit is taken and given back to know what one costs.
const permits = 100_000

// measurePermits measures what a call through a closed breaker costs in this process, where
// time is real and the services idle.
func measurePermits(ctx context.Context, r *Run) error {
	if r.World.Name != world.NameLocal {
		return nil
	}
	for _, engine := range engines() {
		build := resilience.NewBreaker
		if engine == world.Gobreaker {
			build = sonybreaker.New
		}
		b, err := build(resilience.BreakerConfig{})
		if err != nil {
			return err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		for range permits {
			permit, err := b.Acquire(ctx)
			if err != nil {
				return err
			}
			permit.Done(ctx, resilience.Success, nil)
		}
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		r.Measure("a permit, "+engine, float64(took.Nanoseconds())/permits, "ns")
		r.Measure("allocations of a permit, "+engine, float64(after.Mallocs-before.Mallocs)/permits, "")
	}
	return nil
}

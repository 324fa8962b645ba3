package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"reliability/internal/experiment/world"
	"reliability/services/caller"
)

// judgeOutageTraces looks for the outage in Jaeger, as somebody would who was not there: the
// dial that failed, what a rejection was for, and the call that found replicas again.
func (r *Run) judgeOutageTraces(ctx context.Context, samples []Sample) {
	r.judgeTrace(samples, "dial traced", "the dial that failed is in Jaeger", "a CLIENT span with an error and reliability.attempt.phase=dial", func(s Sample) bool {
		return slices.ContainsFunc(s.Attempts, func(a caller.Attempt) bool { return a.Phase == "dial" && a.Result != "rejected" })
	}, func(s Sample) (world.Trace, error) {
		return r.Trace(ctx, s.Done, func(t world.Trace) bool {
			return slices.ContainsFunc(t.Of("caller"), func(s world.Span) bool { return failedAttempt(s) && s.Tag("reliability.attempt.phase") == "dial" })
		})
	})
	r.judgeTrace(samples, "rejection traced", "why a call was rejected is in Jaeger", "a link to the trace that opened the breaker, with the attempt that failed", func(s Sample) bool {
		return s.Outcome == "rejected"
	}, func(s Sample) (world.Trace, error) {
		t, err := r.Trace(ctx, s.Done, func(t world.Trace) bool { return links(t, s.TraceID) != nil })
		if err != nil {
			return t, err
		}
		opened := s.Done
		opened.TraceID = links(t, s.TraceID)[0]
		return r.Trace(ctx, opened, func(t world.Trace) bool { return slices.ContainsFunc(t.Of("caller"), failedAttempt) })
	})
	last := samples[len(samples)-1].TraceID
	r.judgeTrace(samples, "recovery traced", "calls that succeed again are in Jaeger", "spans of caller and of flaky", func(s Sample) bool {
		return s.TraceID == last && s.OK()
	}, func(s Sample) (world.Trace, error) {
		return r.Trace(ctx, s.Done, func(t world.Trace) bool { return len(t.Of("caller")) > 0 && len(t.Of("flaky")) > 0 })
	})
}

func failedAttempt(s world.Span) bool {
	return s.Tag("span.kind") == "client" && s.Tag("error") == "true"
}

// links are the traces that caller's spans of this one refer to.
func links(t world.Trace, own string) []string {
	var all []string
	for _, s := range t.Of("caller") {
		all = append(all, s.Links(own)...)
	}
	return all
}

// judgeTrace judges what is found of the first call that is meant.
func (r *Run) judgeTrace(samples []Sample, name, claim, expected string, meant func(Sample) bool, find func(Sample) (world.Trace, error)) {
	i := slices.IndexFunc(samples, meant)
	if i < 0 {
		r.Holds(name, claim, expected, "no such call", false)
		return
	}
	t, err := find(samples[i])
	switch {
	case errors.Is(err, world.ErrNoTraces):
		r.Inconclusive(name, claim, err.Error())
	case err != nil:
		r.Holds(name, claim, expected, err.Error(), false)
	default:
		r.Holds(name, claim, expected, fmt.Sprintf("found, among %d spans", len(t.Spans)), true)
	}
}

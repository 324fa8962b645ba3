package experiment

import (
	"fmt"
	"time"

	"reliability/internal/experiment/world"
)

// A breakerRule is one way to open.
type breakerRule struct {
	name, claim string
	limits      breakerLimits
}

func breakerRules(r *Run) []breakerRule {
	return []breakerRule{
		{"consecutive", "3 failures in a row", breakerLimits{failures: 3}},
		{"count window", "half of the last 8 calls", breakerLimits{rate: 0.5, calls: 8, least: 6}},
		{"time window", fmt.Sprintf("half of the calls of the last %v", r.Units(enginesWindow)), breakerLimits{rate: 0.5, span: r.Units(enginesWindow), least: 10}},
	}
}

// breakerLimits are when a breaker is to open: after so many failures in a row, or at a rate
// of failures among the last calls or those of a span of time, if there are at least so many.
type breakerLimits struct {
	failures int
	rate     float64
	calls    int
	span     time.Duration
	least    int
}

// doc is the policy that asks for it.
func (l breakerLimits) doc(r *Run) world.Doc {
	if r.Negative("limits-differ") {
		if l.failures > 0 {
			l.failures++
		} else {
			l.least--
		}
	}
	switch {
	case l.failures > 0:
		return world.Doc{"failures": l.failures}
	case l.calls > 0:
		return world.Doc{"failure_rate": l.rate, "window_calls": l.calls, "min_calls": l.least}
	default:
		return world.Doc{"failure_rate": l.rate, "window_time": l.span, "min_calls": l.least}
	}
}

// met is a model of the rule, in as few words as it takes: whether the last of these calls,
// which are all since the breaker closed, opens it. The engines share the tally that counts
// for them, so that they agree does not say that they count as they are told.
func (l breakerLimits) met(calls []Sample) bool {
	if l.failures > 0 {
		return len(calls) >= l.failures && failed(calls[len(calls)-l.failures:]) == l.failures
	}
	if l.calls > 0 {
		calls = calls[max(0, len(calls)-l.calls):]
	} else {
		now := ended(calls[len(calls)-1])
		for now-ended(calls[0]) > l.span {
			calls = calls[1:]
		}
	}
	return len(calls) >= l.least && float64(failed(calls)) >= l.rate*float64(len(calls))
}

// ended is when a call was over, counted from the load's begin.
func ended(s Sample) time.Duration { return s.Due + s.Latency }

// judgeRules compares what each call that found its breaker closed made of it with what the
// model says.
func (r *Run) judgeRules(rules []breakerRule, pairs []enginePair) {
	const claim = "each engine opens at the call at which a model of its rule does"
	judged, differ, first := 0, 0, ""
	for i, rule := range rules {
		if why := pairs[i].tooLate(r); why != "" {
			r.Inconclusive("rules", claim, why)
			return
		}
		for n, engine := range engines() {
			closed, since := true, []Sample(nil) // it closed
			for at, s := range pairs[i].calls[n] {
				found := closed
				closed = s.Breaker.State == "closed"
				if !found {
					since = nil
					continue
				}
				since = append(since, s)
				judged++
				opens := rule.limits.met(since)
				if opens != closed {
					continue
				}
				if differ++; first == "" {
					first = fmt.Sprintf(", the first is call %d of %s, %s: %s, while the model opens: %t", at+1, engine, rule.name, s.Breaker.State, opens)
				}
			}
		}
	}
	r.Holds("rules", claim, "0 differ", fmt.Sprintf("%d of %d differ%s", differ, judged, first), differ == 0 && judged > 0)
}

package experiment

import (
	"context"
	"math"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

const (
	amplifiedCalls = 80
	amplifiedStep  = 0.06 // units from one call to the next
)

// retryAmplification: a dependency that is dead, and retries without bound, within a budget
// and behind a breaker.
func retryAmplification() Experiment {
	const (
		most   = 4 // attempts
		burst  = 20
		earns  = 5 // so many successes earn a retry
		opens  = 5 // failures in a row
		open   = 19.5 * amplifiedStep
		probes = 2
	)
	return Experiment{
		Name:  "retry-amplification",
		Claim: "Retries amplify load on a failing service",
		Lesson: "Just when a service can bear least, n attempts make n times its load. A budget lets retries through as long as successes pay for them; a breaker keeps first attempts away, too. They go together. " +
			"The trap is to count on back-off: it moves attempts to later, and takes none away.",
		Negatives: []Negative{
			{Name: "retries-off", Fails: []string{"naive"}},
			{Name: "budget-infinite", Fails: []string{"budget", "earned"}},
			{Name: "budget-mean", Fails: []string{"earns"}}, // successes earn next to nothing
			{Name: "breaker-off", Fails: []string{"breaker"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			// Back-offs are not spread. With this one no two attempts are due at one moment:
			// those of a call begin 0, 37, 11 and 59 hundredths after some call is due.
			policy := func(order []string, budget world.Doc, attempts int) world.Doc {
				return world.Doc{
					"order":   order,
					"retry":   world.Doc{"max_attempts": attempts, "base": r.Units(0.37 * amplifiedStep), "jitter": "none", "budget": budget},
					"breaker": world.Doc{"failures": opens, "open_for": r.Units(open), "probes": probes},
				}
			}
			off, bounded, attempts, broken := world.Doc{"on": false}, world.Doc{"on": true, "burst": burst, "ratio": 1.0 / earns}, most, []string{"retry", "breaker"}
			switch {
			case r.Negative("retries-off"):
				attempts = 1
			case r.Negative("budget-infinite"):
				bounded = off
			case r.Negative("budget-mean"):
				bounded = world.Doc{"on": true, "burst": burst, "ratio": 0.0001}
			case r.Negative("breaker-off"):
				broken = []string{"retry"}
			}
			r.Setup("flaky fails every attempt; %d calls of up to %d attempts, one every %v", amplifiedCalls, most, r.Units(amplifiedStep))
			r.Setup("budget: a burst of %d retries, and one more for every %d successes; when it is empty, half of all attempts succeed", burst, earns)
			r.Setup("breaker: opens after %d failures in a row, for %v, %d probes", opens, r.Units(open), probes)

			naive, err := r.amplified(ctx, "naive", policy([]string{"retry"}, off, attempts), 1)
			if err != nil {
				return err
			}
			r.Exactly("naive", "unbounded: attempts = n × calls", most*amplifiedCalls, reached(naive.samples))

			budget, err := r.amplified(ctx, "budget", policy([]string{"retry"}, bounded, most), 1)
			if err != nil {
				return err
			}
			r.Exactly("budget", "nothing succeeds: retries = burst", burst, reached(budget.samples)-amplifiedCalls)
			earned, err := r.amplified(ctx, "earned", nil, 0.5) // the budget is empty, and not filled by a new policy
			if err != nil {
				return err
			}
			paid := float64(succeeded(earned.samples)) / earns
			r.AtMost("earned", "when the burst is spent: retries ≤ ratio × successes", paid, float64(reached(earned.samples)-amplifiedCalls), "retries")

			r.AtLeast("earns", "when successes have earned a retry, it is made", 1, float64(reached(earned.samples)-amplifiedCalls), "retries")

			breaker, err := r.amplified(ctx, "breaker", policy(broken, off, most), 1)
			if err != nil {
				return err
			}
			bound := opens + underWay(breaker.samples) + probes*int(math.Ceil(r.InUnits(breaker.took)/open))
			r.Between("breaker", "attempts: the threshold, and at most in flight + probes × ⌈outage/open⌉ more", opens, float64(bound), float64(reached(breaker.samples)), "attempts")
			r.Figure(report.Figure{
				Name: "arrivals", Title: "What a dead dependency is sent", Caption: "Retries multiply the calls, a budget is soon spent, and behind a breaker there is little more than probes.",
				X: report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "arrivals per half attempt timeout"},
				Lines: []report.Line{naive.arrivals, budget.arrivals, breaker.arrivals},
			})
			return nil
		},
	}
}

// amplified is a load and what flaky saw of it.
type amplified struct {
	samples  []Sample
	arrivals report.Line
	took     time.Duration // from before its first call until after its last
}

// amplified makes a load under a policy, or under that in force.
func (r *Run) amplified(ctx context.Context, group string, policy world.Doc, errorRate float64) (amplified, error) {
	if policy != nil {
		if err := r.SetPolicy(ctx, policy); err != nil {
			return amplified{}, err
		}
	}
	if err := r.SetFaults(ctx, world.Doc{"error_rate": errorRate}); err != nil {
		return amplified{}, err
	}
	begin := time.Now()
	samples, err := r.Calls(ctx, r.Caller(), group, load.Plan{Calls: amplifiedCalls, Every: r.Units(amplifiedStep)}, nil)
	if err != nil {
		return amplified{}, err
	}
	took := time.Since(begin)
	stats, err := r.Flaky.Stats(ctx, took+10*time.Millisecond) // the bucket in which it began is not over with it
	if err != nil {
		return amplified{}, err
	}
	return amplified{samples, arrivalsLine(r, group, stats.Recent, begin, r.Units(0.5)), took}, nil
}

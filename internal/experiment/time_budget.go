package experiment

import (
	"context"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// timeBudget: a dependency that hangs, and calls with and without a bound for the whole.
func timeBudget() Experiment {
	const (
		most     = 4                             // attempts
		wait     = 0.5                           // the first, in units
		worst    = most + wait + 2*wait + 4*wait // of a call
		deadline = 4.0                           // cuts the third attempt short
		calls    = 5
	)
	return Experiment{
		Name:  "time-budget",
		Claim: "Retries × timeouts multiply the total time",
		Lesson: "The timeout of an attempt bounds no call: that is n timeouts and the waits between them, and by then whoever called has gone. Give the whole a deadline, outermost, and pass on what remains of it. " +
			"The trap is to raise the number of attempts without a look at how long a call may then take.",
		Latency: true,
		Negatives: []Negative{
			{Name: "deadline-off", Fails: []string{"deadline", "client's deadline"}},
			{Name: "timeout-half", Fails: []string{"explained", "worst case"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			allowance, err := r.RetryAllowance(ctx)
			if err != nil {
				return err
			}
			if err := r.SetFaults(ctx, world.Doc{"hang": world.Doc{"rate": 1}}); err != nil {
				return err
			}
			r.Setup("flaky hangs; %d calls at once of up to %d attempts of %v, with waits of %v, %v and %v between", calls, most, r.U, r.Units(wait), r.Units(2*wait), r.Units(4*wait))
			r.Setup("then with a deadline of %v for the whole, of the policy, and then of the client", r.Units(deadline))

			// hung is the calls' shortest and longest time, and what Explain says of it.
			var rows []report.Row
			hung := func(group, name string, order []string, client time.Duration) (low, high, explained float64, err error) {
				timeout := r.U
				if r.Negative("timeout-half") {
					timeout /= 2
				}
				explanation, err := r.Caller().Policy(ctx, r.Policy(world.Doc{
					"order": order, "deadline": world.Doc{"limit": r.Units(deadline)}, "timeout": world.Doc{"limit": timeout},
					"retry": world.Doc{"max_attempts": most, "base": r.Units(wait), "max": r.Units(4 * wait), "jitter": "none"},
				}))
				if err != nil {
					return 0, 0, 0, err
				}
				samples, err := r.Calls(ctx, r.Caller(), group, load.Plan{Calls: calls}, func(int) world.Call { return world.Call{Deadline: client} })
				if err != nil {
					return 0, 0, 0, err
				}
				rows = append(rows, attemptRow(name, samples[0]))
				low, high = span(samples, func(s Sample) float64 { return s.ElapsedMS })
				return low, high, explanation.LongestTimeMS, nil
			}

			low, high, explained, err := hung("unbounded", "no deadline", []string{"retry", "timeout"}, 0)
			if err != nil {
				return err
			}
			total := millis(r.Units(worst))
			r.Between("explained", "the policy says beforehand: n × timeout + waits", total, total, explained, "ms")
			late := total + most*millis(allowance)
			r.Holds("worst case", "no deadline: each call takes n × timeout + waits", between(total, late, "ms"), between(low, high, "ms"), atMost(total, low) && atMost(high, late))

			order, client := []string{"deadline", "retry", "timeout"}, r.Units(deadline)
			if r.Negative("deadline-off") {
				order, client = order[1:], 0
			}
			limit := millis(r.Units(deadline) + allowance)
			if _, high, _, err = hung("policy", "deadline of the policy", order, 0); err != nil {
				return err
			}
			r.AtMost("deadline", "a deadline around everything: no call takes longer", limit, high, "ms")
			if _, high, _, err = hung("client", "deadline of the client", []string{"retry", "timeout"}, client); err != nil {
				return err
			}
			r.AtMost("client's deadline", "X-Deadline-Ms: no call takes longer than its client waits", limit, high, "ms")
			r.Figure(report.Figure{
				Name: "attempts", Title: "One call to a dependency that hangs", Caption: "Four attempts and the waits between them outlast whoever called; a deadline around everything cuts the third attempt short, and there is no fourth.",
				X: report.Axis{Label: "time (ms)"}, Rows: rows,
			})
			return nil
		},
	}
}

package experiment

import (
	"context"
	"math"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// retryAfter: a dependency that says when to come back.
func retryAfter() Experiment {
	const (
		asked = time.Second // HTTP knows whole seconds only
		most  = 3           // attempts
		calls = 10
	)
	return Experiment{
		Name:  "retry-after",
		Claim: "A server's Retry-After is honoured",
		Lesson: "A server that says when to come back knows more than any back-off: its wait is a floor that jitter never shortens. Where the caller cannot wait that long, it says so at once instead of sleeping into its deadline, and passes the advice on. " +
			"The trap is a cap that shortens the wait: that is to come back early, for nothing.",
		Negatives: []Negative{
			{Name: "retry-after-off", Fails: []string{"floor", "cap", "deadline", "passed on"}},
			{Name: "cap-low", Fails: []string{"floor", "mended"}},
			{Name: "cap-high", Fails: []string{"cap", "at once"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			faults := world.Doc{"fail_first": world.Doc{"count": most - 1, "per": "call"}, "retry_after": asked}
			high, low := 2*asked, asked/2 // max_retry_after
			switch {
			case r.Negative("retry-after-off"):
				delete(faults, "retry_after")
			case r.Negative("cap-low"):
				high = low
			case r.Negative("cap-high"):
				low = high
			}
			if err := r.SetFaults(ctx, faults); err != nil {
				return err
			}
			r.Setup("flaky fails the first %d attempts of each call, and asks to come back after %v; the back-off is of %v at most", most-1, asked, r.Units(0.05))
			r.Setup("%d calls under each of: max_retry_after %v; max_retry_after %v; X-Deadline-Ms %d", calls, high, low, (asked / 2).Milliseconds())
			var rows []report.Row
			asking := func(group, name string, limit, deadline time.Duration) ([]Sample, error) {
				retry := world.Doc{"max_attempts": most, "base": r.Units(0.05), "max": r.Units(0.05), "max_retry_after": limit}
				if err := r.SetPolicy(ctx, world.Doc{"order": []string{"retry"}, "retry": retry}); err != nil {
					return nil, err
				}
				samples, err := r.Calls(ctx, r.Caller(), group, load.Plan{Calls: calls, Every: r.Units(0.1)}, func(int) world.Call { return world.Call{Deadline: deadline} })
				if err == nil {
					rows = append(rows, attemptRow(name, samples[0]))
				}
				return samples, err
			}

			waited, err := asking("wait", "waits", high, 0)
			if err != nil {
				return err
			}
			least, _ := span(waited, shortestWait)
			r.AtLeast("floor", "no further attempt before the time that the server asked for", millis(asked), least, "ms")
			r.Exactly("mended", "those who wait succeed", calls, succeeded(waited))

			capped, err := asking("cap", "cap below it", low, 0)
			if err != nil {
				return err
			}
			r.EachMakes("cap", "a longer wait than max_retry_after: the first attempt is the last", 1, capped)
			short, err := asking("deadline", "deadline before it", high, asked/2)
			if err != nil {
				return err
			}
			r.EachMakes("deadline", "a longer wait than the client has time: the first attempt is the last", 1, short)
			_, longest := span(append(capped, short...), func(s Sample) float64 { return s.ElapsedMS })
			r.AtMost("at once", "who cannot wait is told at once, not when the time is up", millis(asked/4), longest, "ms")
			advice, _ := span(append(capped, short...), func(s Sample) float64 { return s.RetryAfter.Seconds() })
			r.AtLeast("passed on", "and is told when to come back", asked.Seconds(), advice, "s")
			r.Figure(report.Figure{
				Name: "attempts", Title: "One call, when the server asks to come back in a second", Caption: "Whoever can wait does, and no attempt comes early; whoever cannot does not begin to.",
				X: report.Axis{Label: "time (ms)"}, Rows: rows,
			})
			return nil
		},
	}
}

// shortestWait is the shortest time from the begin of an attempt to that of the next, in
// milliseconds, or 0 where there is only one. The wait counts from when the answer came,
// which is not told: after the attempt's begin, and before its end. The services tell
// microseconds, rounded; so is the wait, to what is certain of a difference of such times.
func shortestWait(s Sample) float64 {
	if len(s.Attempts) < 2 {
		return 0
	}
	least := math.Inf(1)
	for i := 1; i < len(s.Attempts); i++ {
		least = min(least, s.Attempts[i].StartMS-s.Attempts[i-1].StartMS)
	}
	return math.Round(least*100) / 100
}

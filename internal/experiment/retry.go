package experiment

import (
	"context"
	"strconv"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// retry: failures that do not last, and attempts enough to outlive them.
func retry() Experiment {
	const (
		errorRate = 0.5
		most      = 4   // attempts
		judged    = 300 // calls with the most attempts
		others    = 100
	)
	return Experiment{
		Name:  "retry",
		Claim: "Retries turn many transient failures into successes",
		Lesson: "With n attempts a call fails only if all do: pⁿ. What that costs is (1−pⁿ)/(1−p) attempts for each call. " +
			"It holds for failures that do not hang together; in an outage every attempt fails, and only the cost remains.",
		Negatives: []Negative{{Name: "retries-off", Fails: []string{"success", "attempts"}}},
		Run: func(ctx context.Context, r *Run) error {
			if err := r.SetFaults(ctx, world.Doc{"error_rate": errorRate}); err != nil {
				return err
			}
			r.Setup("flaky fails %.0f %% of all attempts, each on its own account", 100*errorRate)
			measured := report.Line{Name: "measured", Style: report.Dots}
			theory := report.Line{Name: "1 − pⁿ", Style: report.Curve}
			for n := 1; n <= most; n++ {
				attempts, calls := n, others
				if n == most {
					calls = judged
				}
				if r.Negative("retries-off") {
					attempts = 1
				}
				err := r.SetPolicy(ctx, world.Doc{"order": []string{"retry"}, "retry": world.Doc{"max_attempts": attempts, "base": r.Units(0.05)}})
				if err != nil {
					return err
				}
				samples, err := r.Calls(ctx, r.Caller(), "attempts-"+strconv.Itoa(n), load.Plan{Calls: calls, Every: r.Units(0.02)}, nil)
				if err != nil {
					return err
				}
				succeeded, reached := succeeded(samples), attemptsMade(samples, most)
				measured.XY = append(measured.XY, report.Point{X: float64(n), Y: float64(succeeded) / float64(calls)})
				theory.XY = append(theory.XY, report.Point{X: float64(n), Y: stat.RetrySuccess(errorRate, n)})
				if n < most {
					continue
				}
				r.Setup("load: %d calls with 4 attempts, which are judged, and %d with 1, 2 and 3 each", judged, others)
				r.Rate("success", "success = 1 − pⁿ", succeeded, calls, stat.RetrySuccess(errorRate, n), stat.RetrySuccess(errorRate, 1))
				total := 0
				for _, n := range reached {
					total += n
				}
				r.Judge(report.Verdict{
					Name: "attempts", Claim: "attempts per call = (1 − pⁿ)/(1 − p)",
					Expected: quantity(stat.AttemptsPerCall(errorRate, n), ""), Seen: quantity(float64(total)/float64(calls), ""),
					Test: "exact binomial at each attempt, the least of " + strconv.Itoa(most-1), P: stat.Attempts(reached, errorRate),
					// Without retries nobody makes a second attempt.
					Power: stat.BinomialPower(calls, errorRate, 0, stat.Alpha/(most-1), stat.TwoSided),
				})
			}
			r.Figure(report.Figure{
				Name: "success", Title: "Success against the number of attempts", Caption: "Each further attempt halves what still fails, where half of the attempts do.",
				X: report.Axis{Label: "attempts", Min: 0.5, Max: most + 0.5}, Y: report.Axis{Label: "share of calls that succeed", Min: 0, Max: 1},
				Lines: []report.Line{theory, measured},
			})
			return nil
		},
	}
}

// attemptsMade is how many calls made a first attempt, a second one, and so on, up to most
// and beyond if there are more.
func attemptsMade(samples []Sample, most int) []int {
	made := make([]int, most)
	for _, s := range samples {
		for i := range s.Attempts {
			if i == len(made) {
				made = append(made, 0) //nolint:makezero // that length is the least
			}
			made[i]++
		}
	}
	return made
}

package experiment

import (
	"context"
	"fmt"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// scaleFailures: how many replicas are sick is how many calls fail.
func scaleFailures() Experiment {
	const (
		good     = 3
		calls    = 400
		attempts = 4
		// Of a thousand calls that fail by halves, some five in a row do but for one time in 27 million.
		chained = 1000
	)
	return Experiment{
		Name:  "scale-failures",
		Claim: "Replicas are the failure ratio",
		Lesson: "With a connection for each request a Service spreads calls evenly, so bad/(bad+good) of them meet a sick replica, and kubectl scale dials failures. " +
			"Retries meet another replica, so they help against sick replicas more than against a sick service.",
		Worlds:  []string{world.NameCluster},
		Latency: true,
		Setup:   world.Setup{Kube: true},
		Negatives: []Negative{
			{Name: "connections-kept", Fails: []string{"1 bad", "3 bad"}},
			{Name: "unprotected", Fails: []string{"0 bad", "1 bad, retry", "3 bad, retry", "opens"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			mode := "per_request"
			if r.Negative("connections-kept") {
				mode = "pooled"
			}
			policy := world.Doc{
				"order": []string{"retry", "timeout", "breaker"}, "connections": world.Doc{"mode": mode}, "timeout": world.Doc{"limit": r.U},
				"retry": world.Doc{"max_attempts": attempts, "base": r.Units(0.02)}, "breaker": world.Doc{"failures": 5, "open_for": r.Units(8)},
			}
			retry, chain := "retry", "timeout,breaker" // without retries every failure is a call's
			if r.Negative("unprotected") {
				retry, chain = "none", "timeout"
			}
			r.Setup("kubectl scale deployment/%s --replicas=0, 1, 3 beside %d of %s; connections %s", flakyErrors, good, flakyGood, mode)
			measured := report.Line{Name: "policies off", Style: report.Dots}
			retried := report.Line{Name: "retry alone", Style: report.Dots}
			theory, theoryRetried := report.Line{Name: "bad/(bad+good)", Style: report.Rule}, report.Line{Name: "its 4th power", Style: report.Rule}
			err := r.scaled(ctx, func(ctx context.Context) error {
				for _, bad := range [...]int{0, 1, 3} {
					sick := bad
					if r.Negative("unprotected") {
						sick = max(1, bad) // from the start
					}
					if err := r.scale(ctx, good, sick); err != nil {
						return err
					}
					if err := r.SetPolicy(ctx, policy); err != nil {
						return err
					}
					p, at := float64(bad)/float64(bad+good), float64(bad)
					off, err := r.failures(ctx, fmt.Sprintf("off-%d", bad), calls, "none")
					if err != nil {
						return err
					}
					on, err := r.failures(ctx, fmt.Sprintf("retry-%d", bad), calls, retry)
					if err != nil {
						return err
					}
					all := 1 - stat.RetrySuccess(p, attempts)
					measured.XY, theory.XY = append(measured.XY, report.Point{X: at, Y: float64(off) / calls}), append(theory.XY, report.Point{X: at, Y: p})
					retried.XY, theoryRetried.XY = append(retried.XY, report.Point{X: at, Y: float64(on) / calls}), append(theoryRetried.XY, report.Point{X: at, Y: all})
					if bad == 0 {
						r.Exactly("0 bad", "no sick replica, no failure", 0, off+on)
						continue
					}
					// Kept connections stay with one replica: all of its calls fail, or none.
					r.Rate(fmt.Sprintf("%d bad", bad), "policies off: p = bad/(bad+good)", off, calls, p, 0)
					r.Rate(fmt.Sprintf("%d bad, retry", bad), "retry alone: pⁿ", on, calls, all, p)
				}
				samples, err := r.Calls(ctx, r.Caller(), "chain", load.Plan{Calls: chained, Every: r.Units(0.02)}, func(int) world.Call { return world.Call{Order: chain} })
				if err != nil {
					return err
				}
				opened := 0
				for _, s := range samples {
					if s.Outcome == "rejected" {
						opened++
					}
				}
				r.AtLeast("opens", "with half of the replicas sick the breaker opens", 1, float64(opened), "rejections")
				r.Figure(breakerFigure(r, samples, nil))
				return nil
			}, flakyGood, flakyErrors)
			r.Figure(report.Figure{
				Name: "failures", Title: "Failures against sick replicas", Caption: "The number of replicas dials how much fails, and what a retry makes of it.",
				X: report.Axis{Label: "sick replicas beside 3 healthy ones"}, Y: report.Axis{Label: "share of calls that fail", Min: 0, Max: 1},
				Lines: []report.Line{theory, measured, theoryRetried, retried},
			})
			return err
		},
	}
}

// failures makes calls through policies of their own and counts those that fail.
func (r *Run) failures(ctx context.Context, group string, calls int, order string) (int, error) {
	samples, err := r.oneByOne(ctx, group, calls, world.Call{Order: order})
	return failed(samples), err
}

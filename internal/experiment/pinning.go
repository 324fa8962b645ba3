package experiment

import (
	"context"
	"fmt"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

// pinning: a connection that is kept stays with one replica.
func pinning() Experiment {
	const (
		each  = 2   // replicas that are healthy, and as many sick ones
		calls = 400 // one after the other, so that a pool needs one connection
		top   = 80  // percent of the calls at one pod, or of one fate, by which kept connections show
	)
	return Experiment{
		Name:  "pinning",
		Claim: "Keep-alive hides replicas",
		Lesson: "A load balancer of connections decides once for each connection. A client that keeps its connections sees one replica, all good or all bad, and no average; " +
			"so does its breaker. Limit the age of connections, balance by request, or use a fresh connection for a retry, as caller does.",
		Worlds:  []string{world.NameCluster},
		Latency: true,
		Setup:   world.Setup{Kube: true},
		Negatives: []Negative{
			{Name: "connections-closed", Fails: []string{"pinned", "all or nothing", "uneven"}},
			{Name: "connections-kept", Fails: []string{"share", "even"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			r.Setup("%d replicas of %s and %d of %s behind one Service; %d calls one after the other for each mode of connections", each, flakyGood, each, flakyErrors, calls)
			figure := report.Figure{
				Name: "pods", Title: "Which replica answered", Caption: "Kept, the connection stays with whom it met first; made anew, each call meets anyone.",
				X: report.Axis{Label: "replica"}, Y: report.Axis{Label: "calls"},
			}
			err := r.scaled(ctx, func(ctx context.Context) error {
				if err := r.scale(ctx, each, each); err != nil {
					return err
				}
				pods, err := r.Kube.Pods(ctx, flakyPods)
				if err != nil {
					return err
				}
				for _, mode := range [...]string{"pooled", "per_request"} {
					used := mode
					switch {
					case r.Negative("connections-closed"):
						used = "per_request"
					case r.Negative("connections-kept"):
						used = "pooled"
					}
					counts, failures, err := r.pods(ctx, pods, mode, used, calls)
					if err != nil {
						return err
					}
					line := report.Line{Name: mode, Style: report.Bars}
					most := 0
					for i, n := range counts {
						line.XY, most = append(line.XY, report.Point{X: float64(i + 1), Y: float64(n)}), max(most, n)
					}
					figure.Lines = append(figure.Lines, line)
					even, err := stat.ChiSquareUniform(counts)
					if err != nil {
						return err
					}
					if mode == "pooled" {
						r.AtLeast("pinned", "kept: one pod answers most calls", top, 100*float64(most)/calls, "%")
						r.AtLeast("all or nothing", "kept: nearly all calls fail, or nearly none", top, 100*float64(max(failures, calls-failures))/calls, "%")
						r.Measure("calls that failed on kept connections", 100*float64(failures)/calls, "%")
						r.Holds("uneven", "kept: not spread by chance (chi-square)", "p < 1e-6", fmt.Sprintf("p = %.2g", even), even < stat.Alpha)
						continue
					}
					r.Rate("share", "a connection each: half of the replicas, half of the calls fail", failures, calls, 0.5, 0)
					r.Judge(report.Verdict{
						Name: "even", Claim: "a connection each: spread evenly", Expected: fmt.Sprintf("%d calls at each of %d pods, by chance", calls/len(pods), len(pods)),
						Seen: fmt.Sprint(counts), Test: "chi-square of an even spread", P: even, Power: 1,
					})
				}
				return nil
			}, flakyGood, flakyErrors)
			r.Figure(figure)
			return err
		},
	}
}

// pods makes calls one after the other and counts who answered.
func (r *Run) pods(ctx context.Context, pods []string, group, mode string, calls int) (counts []int, failures int, err error) {
	if err := r.SetPolicy(ctx, world.Doc{"order": []string{}, "connections": world.Doc{"mode": mode}}); err != nil {
		return nil, 0, err
	}
	samples, err := r.oneByOne(ctx, group, calls, world.Call{})
	if err != nil {
		return nil, 0, err
	}
	counts = make([]int, len(pods))
	for _, s := range samples {
		for i, pod := range pods {
			if len(s.Attempts) > 0 && s.Attempts[0].ServedBy == pod {
				counts[i]++
			}
		}
	}
	return counts, failed(samples), nil
}

package experiment

import (
	"context"
	"fmt"
	"math"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// layeredRetries: callers that call callers, each of which retries.
func layeredRetries() Experiment {
	const (
		layers = 3
		most   = 3 // attempts, in each layer
		calls  = 4
	)
	return Experiment{
		Name:  "layered-retries",
		Claim: "Retries in every layer multiply",
		Lesson: "Each layer sees one call of the layer above, and makes n of it: with k layers a dead dependency is asked nᵏ times for one user. Retry in one layer, or let a layer that retries say so to those below. " +
			"The trap is that each layer's policy looks reasonable by itself; nobody's dashboard but the dependency's shows the product.",
		Setup: world.Setup{Layers: layers},
		Negatives: []Negative{
			{Name: "exclusive-off", Fails: []string{"exclusive"}},
			{Name: "retries-off", Fails: []string{"2 layers", "3 layers", "mended"}},
			{Name: "retries-everywhere", Fails: []string{"one layer"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			retry := func(attempts int, exclusive bool) world.Doc {
				return world.Doc{"order": []string{"retry"}, "retry": world.Doc{"max_attempts": attempts, "base": r.Units(0.01), "exclusive": exclusive}}
			}
			attempts, exclusive := most, true
			switch {
			case r.Negative("exclusive-off"):
				exclusive = false
			case r.Negative("retries-off"):
				attempts = 1
			}
			r.Setup("%d callers in a row, the last one calls flaky, which fails every attempt; each makes up to %d attempts", layers, most)
			if err := r.SetFaults(ctx, world.Doc{"error_rate": 1}); err != nil {
				return err
			}

			if err := r.SetPolicy(ctx, retry(attempts, false)); err != nil {
				return err
			}
			naive := report.Line{Name: "every layer retries", Style: report.Dots}
			theory := report.Line{Name: "nᵏ", Style: report.Rule}
			for k := 1; k <= layers; k++ {
				each, err := r.layered(ctx, r.Callers[layers-k], fmt.Sprintf("layers-%d", k), calls)
				if err != nil {
					return err
				}
				product := int(math.Pow(most, float64(k)))
				if k > 1 { // with one there is nothing to multiply
					r.Exactly(fmt.Sprintf("%d layers", k), fmt.Sprintf("%d layers of %d attempts: %d calls make %d × %d", k, most, calls, calls, product), calls*product, each)
				}
				naive.XY = append(naive.XY, report.Point{X: float64(k), Y: float64(each) / calls})
				theory.XY = append(theory.XY, report.Point{X: float64(k), Y: float64(product)})
			}

			// One layer retries, the outermost.
			if err := r.SetPolicy(ctx, retry(1, false)); err != nil {
				return err
			}
			for i, c := range r.Callers {
				if i > 0 && !r.Negative("retries-everywhere") {
					break
				}
				if _, err := c.Policy(ctx, r.Policy(retry(most, false))); err != nil {
					return err
				}
			}
			one, err := r.layered(ctx, r.Caller(), "one", calls)
			if err != nil {
				return err
			}
			r.Exactly("one layer", fmt.Sprintf("%d layers, one of which retries: %d × n", layers, calls), calls*most, one)

			// All would retry, and each that does tells those below.
			r.Setup("then one layer retries only; then all, but X-Do-Not-Retry goes with every attempt of a layer that does")
			if err := r.SetPolicy(ctx, retry(most, exclusive)); err != nil {
				return err
			}
			told := report.Line{Name: "whoever retries says so", Style: report.Dots}
			for k := 1; k <= layers; k++ {
				each, err := r.layered(ctx, r.Callers[layers-k], fmt.Sprintf("exclusive-%d", k), calls)
				if err != nil {
					return err
				}
				told.XY = append(told.XY, report.Point{X: float64(k), Y: float64(each) / calls})
				if k == layers {
					r.AtMost("exclusive", fmt.Sprintf("X-Do-Not-Retry through %d layers: ≤ %d × n", layers, calls), calls*most, float64(each), "attempts")
				}
			}

			// That must not cost what retries are for.
			if err := r.SetPolicy(ctx, retry(attempts, exclusive)); err != nil {
				return err
			}
			if err := r.SetFaults(ctx, world.Doc{"fail_first": world.Doc{"count": most - 1}}); err != nil {
				return err
			}
			r.Setup("at the end flaky fails only the first %d attempts, of one call", most-1)
			samples, err := r.Calls(ctx, r.Caller(), "mended", load.Plan{Calls: 1}, nil)
			if err != nil {
				return err
			}
			r.Holds("mended", "one layer's retries outlive a failure that passes", "success", samples[0].Outcome, samples[0].OK())
			r.Figure(report.Figure{
				Name: "layers", Title: "Attempts at the dependency for one call", Caption: "Every layer multiplies, unless whoever retries says so.",
				X: report.Axis{Label: "layers", Min: 0.5, Max: layers + 0.5}, Y: report.Axis{Label: "attempts for each call", Log: true},
				Lines: []report.Line{naive, told, theory},
			})
			return nil
		},
	}
}

// layered is how many requests reach flaky for some calls.
func (r *Run) layered(ctx context.Context, c *world.Caller, group string, calls int) (int, error) {
	before, err := r.Flaky.Stats(ctx, time.Second)
	if err != nil {
		return 0, err
	}
	if _, err := r.Calls(ctx, c, group, load.Plan{Calls: calls, Every: r.Units(0.05)}, nil); err != nil {
		return 0, err
	}
	after, err := r.Flaky.Stats(ctx, time.Second)
	if err != nil {
		return 0, err
	}
	return int(after.Arrivals - before.Arrivals), nil
}

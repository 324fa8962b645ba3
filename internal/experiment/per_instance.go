package experiment

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// Per instance: several callers of one dead service, each with a breaker of its own.
const (
	instanceCallers   = 4
	instanceThreshold = 5
	instanceCalls     = 2 * instanceThreshold // by each caller
	instanceEvery     = 0.02                  // units from one call to the next
)

func perInstance() Experiment {
	return Experiment{
		Name:  "per-instance",
		Claim: "A breaker is known to one process only",
		Lesson: "Each instance has to find out for itself, so k callers send k × threshold calls to a dead service before all breakers are open, and as many sets of probes later. " +
			"The trap is to choose a threshold for one instance and run a hundred; and to look at one instance's state and take it for that of all.",
		Setup: world.Setup{Callers: instanceCallers},
		Negatives: []Negative{
			{Name: "breaker-off", Fails: []string{"apart", "price", "each"}},
			{Name: "one-caller", Fails: []string{"price", "each"}}, // makes all the calls
		},
		Run: func(ctx context.Context, r *Run) error {
			order := []string{"breaker"}
			if r.Negative("breaker-off") {
				order = []string{}
			}
			err := r.SetPolicy(ctx, world.Doc{
				"order": order, "breaker": world.Doc{"failures": instanceThreshold, "open_for": r.Units(100)}, // longer than all of this
			})
			if err != nil {
				return err
			}
			if err := r.SetFaults(ctx, world.Doc{"error_rate": 1}); err != nil {
				return err
			}
			r.Setup("breakers: each opens after %d failures in a row, for longer than this takes; flaky is dead", instanceThreshold)
			r.Setup("load: %d calls by the first caller alone; then, with 1 to %d callers, %d by each, in turn, one every %v", instanceThreshold, instanceCallers, instanceCalls, r.Units(instanceEvery))
			if err := r.judgeApart(ctx); err != nil {
				return err
			}
			measured := report.Line{Name: "measured", Style: report.Dots}
			theory := report.Line{Name: "callers × threshold", Style: report.Rule, XY: []report.Point{{}, {X: instanceCallers, Y: instanceCallers * instanceThreshold}}}
			var want, got, each []int
			for k := 1; k <= instanceCallers; k++ {
				if each, err = r.outageBefore(ctx, k); err != nil {
					return err
				}
				sum := 0
				for _, n := range each {
					sum += n
				}
				want, got = append(want, k*instanceThreshold), append(got, sum)
				measured.XY = append(measured.XY, report.Point{X: float64(k), Y: float64(sum)})
			}
			r.Holds("price", fmt.Sprintf("calls that reach the dead service, with 1 to %d callers: callers × threshold", instanceCallers), list(want), list(got), list(want) == list(got))
			same := list(slices.Repeat([]int{instanceThreshold}, instanceCallers))
			r.Holds("each", "of these, those of each caller: the threshold", same, list(each), list(each) == same)
			r.Figure(report.Figure{
				Name: "price", Title: "Calls that a dead service gets before all breakers are open",
				Caption: "Every caller pays the threshold for itself.",
				X:       report.Axis{Label: "callers", Min: 0, Max: instanceCallers + 0.5}, Y: report.Axis{Label: "calls that reach it", Min: 0, Max: instanceCallers*instanceThreshold + 2},
				Lines: []report.Line{theory, measured},
			})
			return nil
		},
	}
}

// judgeApart lets the first caller find out, and looks at what the others know then.
func (r *Run) judgeApart(ctx context.Context) error {
	_, err := r.InTurn(ctx, r.Callers[:1], "first", paced(instanceThreshold, r.Units(instanceEvery)), nil)
	if err != nil {
		return err
	}
	var states []string
	for _, c := range r.Callers {
		state, err := c.State(ctx)
		if err != nil {
			return err
		}
		b := state.Engines[world.Handrolled].Breaker
		if b.Failures > 0 {
			b.State += " after " + strconv.Itoa(b.Failures) + " failures"
		}
		states = append(states, b.State)
	}
	want := "open" + strings.Repeat(", closed", instanceCallers-1)
	seen := strings.Join(states, ", ")
	r.Holds("apart", "when the first caller's breaker is open, the others know nothing", want, seen, seen == want)
	return nil
}

// outageBefore lets k callers, in turn, call the dead service, and returns how many calls of
// each reached it, as the service says.
func (r *Run) outageBefore(ctx context.Context, k int) ([]int, error) {
	if err := r.RenewBreakers(ctx); err != nil {
		return nil, err
	}
	before, err := r.arrivalsOf(ctx, k)
	if err != nil {
		return nil, err
	}
	callers := r.Callers[:k]
	if r.Negative("one-caller") {
		callers = callers[:1]
	}
	if _, err := r.InTurn(ctx, callers, strconv.Itoa(k)+"-callers", paced(k*instanceCalls, r.Units(instanceEvery)), nil); err != nil {
		return nil, err
	}
	after, err := r.arrivalsOf(ctx, k)
	if err != nil {
		return nil, err
	}
	for i := range after {
		after[i] -= before[i]
	}
	return after, nil
}

// arrivalsOf is how many calls of each of the first k callers have reached the dependency.
func (r *Run) arrivalsOf(ctx context.Context, k int) ([]int, error) {
	stats, err := r.Flaky.Stats(ctx, time.Second)
	if err != nil {
		return nil, err
	}
	counts := make([]int, k)
	for i, c := range r.Callers[:k] {
		state, err := c.State(ctx)
		if err != nil {
			return nil, err
		}
		counts[i] = int(stats.Callers[state.Instance].Arrivals)
	}
	return counts, nil
}

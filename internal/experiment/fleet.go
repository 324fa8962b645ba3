package experiment

import (
	"context"
	"fmt"
	"math"
	"time"

	"reliability/internal/experiment/fleet"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
	"reliability/pkg/resilience"
)

const nameFleet = "fleet"

// DefaultFleet is how many callers the largest fleet has if nobody says.
const DefaultFleet = 1000

// Failures before a breaker of the fleet opens, and how many attempts its retries make.
const (
	fleetFailures = 5
	fleetAttempts = 4
	fleetBurst    = 10
	fleetRatio    = 0.1
)

// fleetTimes: every caller makes a call a second; the dependency answers nobody for almost a
// second, then it is down for a minute. So almost every caller has a call that fails at the
// same moment.
func fleetTimes() fleet.Times {
	const s = time.Second
	return fleet.Times{Period: s, Latency: 50 * time.Millisecond, Stall: 5*s + 50*time.Millisecond, Down: 6 * s, Back: 66 * s, End: 80 * s}
}

func fleetPolicy() fleet.Policy {
	return fleet.Policy{
		Attempts: fleetAttempts, Base: time.Second, Max: 4 * time.Second, Timeout: time.Second, Burst: fleetBurst, Ratio: fleetRatio,
		Breaker: true, Failures: fleetFailures, OpenFor: 5 * time.Second, Probes: 2,
	}
}

// fleets: what holds for one caller holds for a thousand, and some of it only then matters.
func fleets() Experiment {
	return Experiment{
		Name:  nameFleet,
		Claim: "What one caller does that is harmless, a thousand do at once",
		Lesson: "Each caller has to find out for itself that the dependency is down: that costs callers × threshold failures, whatever the breaker. " +
			"Retries that are in step come as one wave as large as the fleet; jitter makes a steady stream of it. Budgets bound what all retries together may add.",
		Worlds: []string{world.NameSimulated},
		Setup:  world.Setup{None: true},
		Negatives: []Negative{
			{Name: "jitter-off", Fails: []string{"full jitter"}},
			{Name: "jitter-on", Fails: []string{"no jitter"}},
			{Name: "retries-off", Fails: []string{"amplification"}},
			{Name: "breaker-off", Fails: []string{"paid", "recovery"}},
			{Name: "budget-off", Fails: []string{"budget"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			var sizes []int
			for n := 10; n < r.fleet; n *= 10 {
				sizes = append(sizes, n)
			}
			sizes = append(sizes, r.fleet)
			t, p := fleetTimes(), fleetPolicy()
			r.Setup("%v callers of the library, each with a call a second; a dependency of %d replicas that stalls for %v and is then down for %v", sizes, fleet.Replicas, t.Down-t.Stall, t.Back-t.Down)
			r.Setup("each: retry %d times, ceilings of %v to %v; timeout %v; breaker: %d failures, open for %v, %d probes; budget: %d + %v × successes",
				p.Attempts, p.Base, p.Max, p.Timeout, p.Failures, p.OpenFor, p.Probes, p.Burst, p.Ratio)
			var all []fleetRuns
			for _, n := range sizes {
				runs, err := r.runFleets(ctx, n)
				if err != nil {
					return err
				}
				all = append(all, runs)
				r.measureFleet(runs, t)
			}
			largest := all[len(all)-1]
			r.judgeFleet(largest, t, p)
			r.fleetFigures(all, t)
			return nil
		},
	}
}

// fleetRuns are the runs of one size.
type fleetRuns struct {
	n      int
	jitter map[resilience.Jitter]fleet.Result // with breaker
	naive  fleet.Result                       // neither breaker nor budget
	budget fleet.Result                       // no breaker
	whole  fleet.Result                       // both, full jitter
}

func fleetJitters() [4]resilience.Jitter {
	return [4]resilience.Jitter{resilience.JitterNone, resilience.JitterEqual, resilience.JitterDecorrelated, resilience.JitterFull}
}

func (r *Run) runFleets(ctx context.Context, n int) (runs fleetRuns, err error) {
	one := func(change func(*fleet.Policy)) (result fleet.Result) {
		p := fleetPolicy()
		change(&p)
		if r.Negative("jitter-off") {
			p.Jitter = resilience.JitterNone
		}
		if r.Negative("jitter-on") {
			p.Jitter = resilience.JitterFull
		}
		if r.Negative("retries-off") {
			p.Attempts = 1
		}
		if r.Negative("breaker-off") {
			p.Breaker = false
		}
		if r.Negative("budget-off") {
			p.Budget = false
		}
		if err == nil {
			result, err = fleet.Run(ctx, n, r.Seed, fleetTimes(), p)
		}
		return result
	}
	runs = fleetRuns{n: n, jitter: map[resilience.Jitter]fleet.Result{}}
	for _, jitter := range fleetJitters() {
		runs.jitter[jitter] = one(func(p *fleet.Policy) { p.Jitter = jitter })
	}
	runs.naive = one(func(p *fleet.Policy) { p.Breaker = false })
	runs.budget = one(func(p *fleet.Policy) { p.Breaker, p.Budget = false, true })
	runs.whole = one(func(p *fleet.Policy) { p.Budget = true })
	return runs, err
}

func (r *Run) judgeFleet(runs fleetRuns, t fleet.Times, p fleet.Policy) {
	full := runs.jitter[resilience.JitterFull]
	r.Exactly("paid", "failures before all breakers are open = callers × threshold", runs.n*fleetFailures, full.Sum().Paid)

	// Every retry of the calls that failed together comes one back-off later.
	none := runs.jitter[resilience.JitterNone]
	after := func(f fleet.Result) int { return f.Fullest(t.Down, t.Down+5*time.Second) }
	r.AtLeast("no jitter", "the retries of the calls that failed at once come at once", float64(none.Sum().Stalled), float64(after(none)), "arrivals in 10 ms")
	// No more than one stream of calls and one of each of their retries, and as much again of
	// those that failed at once, over at least a back-off; independent, so no burstier than
	// Poisson.
	mean := float64(runs.n) * 2 * fleetAttempts * fleet.BucketWidth.Seconds() / p.Base.Seconds()
	bound := stat.PoissonBound(mean, int(5*time.Second/fleet.BucketWidth), stat.Alpha)
	r.Judge(report.Verdict{
		Name: "full jitter", Claim: "with full jitter the fullest 10 ms are those of chance", Expected: fmt.Sprintf("< %d arrivals", bound),
		Seen: fmt.Sprintf("%d arrivals", after(full)), Test: fmt.Sprintf("Poisson, mean ≤ %.3g, over all buckets", mean),
		P:     math.Min(1, stat.PoissonAbove(after(full), mean)*float64(int(5*time.Second/fleet.BucketWidth))),
		Power: power(float64(none.Sum().Stalled) >= float64(bound)),
	})

	naive, budget := runs.naive.Sum(), runs.budget.Sum()
	r.Between("amplification", "naive retries multiply the load of an outage by the attempts", fleetAttempts, fleetAttempts, float64(naive.Attempts)/float64(naive.Failed), "attempts for a call")
	r.AtMost("budget", "retries ≤ callers × burst + ratio × successes", float64(runs.n*fleetBurst)+fleetRatio*float64(budget.Success), float64(budget.Retries), "retries")
	slowest := p.OpenFor + 2*t.Period + t.Latency
	if full.Closed == 0 || full.Open > 0 {
		r.Holds("recovery", "every breaker closes by itself", "all closed", fmt.Sprintf("%d breakers that have closed", runs.n-full.Open), false)
	} else {
		r.AtMost("recovery", "all closed again within open time, and a call for each probe", slowest.Seconds(), full.Closed.Seconds(), "s")
	}
}

// What is measured of every size of fleet, and is on the page about scale.
const (
	fleetPaid      = "failures until all breakers are open"
	fleetHerd      = "fullest 10 ms, jitter "
	fleetStream    = "mean of 10 ms in the busiest second, jitter full"
	fleetRecover   = "time to recover, jitter "
	fleetAmplified = "attempts for a call in the outage, "
	fleetProbed    = "arrivals a second while all are open"
)

// ofCallers is a measure's name for one size.
func ofCallers(what string, n int) string { return fmt.Sprintf("%s, %d callers", what, n) }

func (r *Run) measureFleet(runs fleetRuns, t fleet.Times) {
	measure := func(what string, value float64, unit string) { r.Measure(ofCallers(what, runs.n), value, unit) }
	measure(fleetPaid, float64(runs.jitter[resilience.JitterFull].Sum().Paid), "requests")
	for _, jitter := range fleetJitters() {
		f := runs.jitter[jitter]
		measure(fleetHerd+jitter.String(), float64(f.Fullest(t.Down, t.Down+5*time.Second)), "arrivals")
		measure(fleetRecover+jitter.String(), f.Closed.Seconds(), "s")
	}
	for _, l := range runs.protections() {
		sum := l.f.Sum()
		measure(fleetAmplified+l.name, float64(sum.Attempts)/float64(max(1, sum.Failed)), "attempts")
	}
	probed, full := 0, runs.jitter[resilience.JitterFull]
	measure(fleetStream, busiest(full.Arrivals[t.Down/fleet.BucketWidth:(t.Down+5*time.Second)/fleet.BucketWidth]), "arrivals")
	from, to := t.Down+30*time.Second, t.Back
	for _, n := range full.Arrivals[from/fleet.BucketWidth : to/fleet.BucketWidth] {
		probed += n
	}
	measure(fleetProbed, float64(probed)/(to-from).Seconds(), "arrivals")
}

// busiest is the mean of the fullest second of buckets.
func busiest(arrivals []int) float64 {
	const second = int(time.Second / fleet.BucketWidth)
	most, sum := 0, 0
	for i, n := range arrivals {
		if sum += n; i >= second {
			sum -= arrivals[i-second]
		}
		most = max(most, sum)
	}
	return float64(most) / float64(second)
}

// protected is a fleet: one of the runs, by what it has.
type protected struct {
	name string
	f    fleet.Result
}

func (f fleetRuns) protections() []protected {
	return []protected{{"naive retries", f.naive}, {"budget", f.budget}, {"breaker", f.jitter[resilience.JitterFull]}, {"breaker and budget", f.whole}}
}

// power is that of a comparison whose negative is known.
func power(certain bool) float64 {
	if certain {
		return 1
	}
	return 0
}

func (r *Run) fleetFigures(all []fleetRuns, t fleet.Times) {
	largest := all[len(all)-1]
	herd := report.Figure{
		Name: "herd", Title: fmt.Sprintf("Arrivals when the calls of %d callers fail at once", largest.n),
		Caption: "Without jitter the retries of all callers arrive together; full jitter turns them into a stream.",
		X:       report.Axis{Label: "time since it went down (s)", Min: -1, Max: 6}, Y: report.Axis{Label: "arrivals in 10 ms"},
	}
	for _, jitter := range fleetJitters() {
		line := report.Line{Name: "jitter " + jitter.String(), Style: report.Curve}
		f := largest.jitter[jitter]
		for at := t.Down - time.Second; at < t.Down+6*time.Second; at += fleet.BucketWidth {
			line.XY = append(line.XY, report.Point{X: (at - t.Down).Seconds(), Y: float64(f.Arrivals[at/fleet.BucketWidth])})
		}
		herd.Lines = append(herd.Lines, line)
	}
	r.Figure(herd)

	size := report.Figure{
		Name: "herd-size", Title: "The fullest 10 ms against the size of the fleet", Caption: "The herd grows with the fleet; with full jitter so does its mean only.",
		X: report.Axis{Label: "callers", Log: true}, Y: report.Axis{Label: "arrivals in the fullest 10 ms", Log: true},
	}
	paid := report.Figure{
		Name: "paid", Title: "What it costs until all breakers are open", Caption: "Each caller pays the threshold for itself, because a breaker knows of one process only.",
		X: report.Axis{Label: "callers", Log: true}, Y: report.Axis{Label: "failed requests", Log: true},
	}
	for _, jitter := range fleetJitters() {
		line := report.Line{Name: "jitter " + jitter.String(), Style: report.Curve}
		for _, runs := range all {
			line.XY = append(line.XY, report.Point{X: float64(runs.n), Y: float64(runs.jitter[jitter].Fullest(t.Down, t.Down+5*time.Second))})
		}
		size.Lines = append(size.Lines, line)
	}
	measured, theory := report.Line{Name: "paid", Style: report.Dots}, report.Line{Name: "callers × threshold", Style: report.Rule}
	for _, runs := range all {
		n := float64(runs.n)
		measured.XY = append(measured.XY, report.Point{X: n, Y: float64(runs.jitter[resilience.JitterFull].Sum().Paid)})
		theory.XY = append(theory.XY, report.Point{X: n, Y: n * fleetFailures})
	}
	paid.Lines = []report.Line{theory, measured}
	r.Figure(size)
	r.Figure(paid)

	rate := report.Figure{
		Name: "amplification", Title: "The load of an outage", Caption: "Naive retries multiply it for as long as it lasts; a budget adds once what it has; a breaker takes almost all of it away.",
		X: report.Axis{Label: "time (s)"}, Y: report.Axis{Label: "arrivals a second"}, Phases: []report.Phase{{From: t.Down.Seconds(), To: t.Back.Seconds(), Name: "down"}},
	}
	for _, l := range largest.protections() {
		line := report.Line{Name: l.name, Style: report.Steps}
		const width = int(time.Second / fleet.BucketWidth)
		for from := 0; from+width <= len(l.f.Arrivals); from += width {
			sum := 0
			for _, n := range l.f.Arrivals[from : from+width] {
				sum += n
			}
			line.XY = append(line.XY, report.Point{X: float64(from / width), Y: float64(sum)})
		}
		rate.Lines = append(rate.Lines, line)
	}
	r.Figure(rate)
}

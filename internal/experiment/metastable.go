package experiment

import (
	"context"
	"fmt"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
)

// The model of a dependency that can be overloaded, all times in units. A full queue is so
// long that whoever is served has given up, and retries are more than can be served: then
// the work is for nobody, and there is always more of it. Bronson et al., Metastable
// Failures in Distributed Systems, HotOS 2021; Huang et al., Metastable Failures in the
// Wild, OSDI 2022.
const (
	metaWorkers  = 2
	metaService  = 0.4                       // of one request
	metaCapacity = metaWorkers / metaService // requests in a unit
	metaLoad     = 0.75                      // of capacity
	metaQueue    = 40                        // waits for 8 timeouts when it is full
	metaShort    = 1                         // nobody waits longer than the timeout
	metaAttempts = 4
	metaSlower   = 5 // by what the trigger stretches the service time
	metaBefore   = 6.0
	metaTrigger  = 16.0
	metaAfter    = 46.0
	metaSettled  = 20.0 // of these, at the end
)

// A cure is one way to run the same load against the same overload.
type cure struct {
	name       string
	order      []string
	engine     string
	budget     bool
	queue      int
	discipline string
	within     float64 // recovers within so many units of the trigger's end; 0: never
	why        string
}

func metastable() Experiment {
	return Experiment{
		Name:  "metastable",
		Claim: "Overload can outlive its cause, and retries keep it alive",
		Lesson: "A short slowdown fills the queue; from then on whoever is served has already given up and knocks again, so the queue stays full although the cause is gone. " +
			"It takes load off, such as a breaker or a retry budget, or a queue that does not serve the dead first. The trap is that everything looks fine until the trigger comes.",
		Latency: true,
		Setup:   world.Setup{None: true},
		Negatives: []Negative{
			{Name: "cures-off", Fails: []string{"breaker and budget, handrolled", "breaker and budget, gobreaker", "budget", "lifo", "sooner"}},
			{Name: "queue-short", Fails: []string{"collapse"}},
			{Name: "queue-long", Fails: []string{"short queue"}}, // as long as the others'
			{Name: "retries-off", Fails: []string{"trap"}},
		},
		Run: func(ctx context.Context, r *Run) error {
			cures := metaCures(r)
			naive := cure{name: "naive retries", order: []string{"retry", "timeout"}, queue: metaQueue, discipline: "fifo"}
			if r.Negative("retries-off") {
				naive.order = []string{"timeout"}
			}
			r.Setup("flaky: %d workers × %v, so %.3g calls a timeout; queue %d; abandoned requests are worked on; every call is one of %.0f %% of that load, %d attempts of %v",
				metaWorkers, r.Units(metaService), metaCapacity, metaQueue, 100*metaLoad, metaAttempts, r.U)
			r.Setup("a full queue waits for %v timeouts, and attempts × load are %v × the capacity: without 4 and 1 there is no trap", metaQueue/metaCapacity, metaAttempts*metaLoad)
			r.Setup("trigger: service time × %d for %v", metaSlower, r.Units(metaTrigger))
			var courses []course
			for _, c := range cures {
				courses = append(courses, course{c, metaLoad, metaBefore, metaTrigger, metaAfter})
			}
			if r.negative == "" || r.Negative("retries-off") { // the other controls do without
				courses = append(courses, trapCourses(naive)...)
			}
			loads := make([][]Sample, len(courses))
			err := r.AtOnce(len(courses), func(i int) error {
				return r.Within(ctx, world.Setup{}, func(ctx context.Context, r *Run) (err error) {
					loads[i], err = r.overload(ctx, courses[i])
					return err
				})
			})
			if err != nil {
				return err
			}
			for i, c := range cures {
				r.judgeCure(c, loads[i])
			}
			if len(cures) > 3 {
				r.judgeSooner(cures, loads)
			}
			r.Figure(metaFigure(r, cures, loads))
			if len(courses) > len(cures) {
				r.trap(courses[len(cures):], loads[len(cures):])
			}
			return nil
		},
	}
}

// metaCures are the ways to meet the overload, the naive one first.
func metaCures(r *Run) []cure {
	// A cure that only stops retrying has to wait until the spare capacity has worked off the
	// queue, those in service, and the retries that the budget had left. On a machine on which
	// work takes a little longer than it is told to, little of that capacity is left, so the
	// verdict is only that it recovers while somebody watches.
	const drained = (metaQueue + metaWorkers + metaBurst) / (metaCapacity * (1 - metaLoad))
	r.Measure("the spare capacity alone works off the queue in", drained*millis(r.U)/1000, "s")
	plain, guarded := []string{"retry", "timeout"}, []string{"retry", "timeout", "breaker"}
	// Those who began while it was slow go on knocking for the longest time of a call, and two
	// are still worked on.
	const stragglers = metaAttempts + 0.2 + 0.4 + 0.8 + metaService*metaSlower
	const open = "the queue empties while the breaker is open; a probe that still meets it opens it once more"
	cures := []cure{
		{name: "naive retries", order: plain, queue: metaQueue, discipline: "fifo", why: "more comes in than can be served"},
		{name: "breaker and budget, handrolled", order: guarded, engine: world.Handrolled, budget: true, queue: metaQueue, discipline: "fifo", within: 2*metaOpen + metaQueue/metaCapacity, why: open},
		{name: "breaker and budget, gobreaker", order: guarded, engine: world.Gobreaker, budget: true, queue: metaQueue, discipline: "fifo", within: 2*metaOpen + metaQueue/metaCapacity, why: open},
		{name: "budget", order: plain, budget: true, queue: metaQueue, discipline: "fifo", within: metaAfter - metaOver, why: "the spare capacity has to work off the queue"},
		{name: "lifo", order: plain, queue: metaQueue, discipline: "lifo", within: stragglers, why: "the latest, who still waits, is served first"},
		{name: "short queue", order: plain, queue: metaShort, discipline: "fifo", within: stragglers, why: "nobody is let in who would wait too long"},
	}
	switch { // a control needs only what it is to fail
	case r.Negative("cures-off"):
		cures = cures[1:5]
		for i := range cures {
			cures[i].order, cures[i].budget, cures[i].discipline = plain, false, "fifo"
		}
	case r.Negative("queue-short"):
		cures = cures[:1]
		cures[0].queue = metaShort
	case r.Negative("queue-long"):
		cures = cures[5:]
		cures[0].queue = metaQueue
	case r.Negative("retries-off"):
		cures = nil
	}
	return cures
}

const (
	metaBurst = 5 // of the budget
	metaOpen  = 5.0
)

// A course is a load, as a share of the capacity, and when the trigger is, in units.
type course struct {
	cure
	share, before, trigger, after float64
}

// overload makes the load, with the trigger in the middle of it.
func (r *Run) overload(ctx context.Context, c course) ([]Sample, error) {
	err := r.SetPolicy(ctx, world.Doc{
		"order": c.order, "timeout": world.Doc{"limit": r.U}, "breaker": world.Doc{"failures": 5, "open_for": r.Units(metaOpen), "probes": 2},
		"retry": world.Doc{"max_attempts": metaAttempts, "base": r.Units(0.2), "max": r.U, "budget": world.Doc{"on": c.budget, "burst": metaBurst, "ratio": 0.1}},
	})
	if err != nil {
		return nil, err
	}
	capacity := func(service float64) world.Doc {
		return world.Doc{"workers": metaWorkers, "queue": c.queue, "discipline": c.discipline, "service_time": world.Doc{"value": r.Units(service)}}
	}
	err = r.SetFaults(ctx, world.Doc{
		"schedule": []world.Doc{
			{"for": r.Units(c.before), "capacity": capacity(metaService)},
			{"for": r.Units(c.trigger), "capacity": capacity(metaService * metaSlower)},
		},
		"capacity": capacity(metaService),
	})
	if err != nil {
		return nil, err
	}
	every := 1 / (c.share * metaCapacity)
	return r.Calls(ctx, r.Caller(), "load", load.Plan{Calls: int((c.before + c.trigger + c.after) / every), Every: r.Units(every)}, func(int) world.Call {
		return world.Call{Engine: c.engine}
	})
}

// goodput is the share of calls that were due between two moments and succeeded.
func (r *Run) goodput(samples []Sample, from, to float64) (share float64, good, all int) {
	for _, s := range samples {
		if at := r.InUnits(s.Due); at < from || at >= to {
			continue
		}
		all++
		if s.OK() {
			good++
		}
	}
	return float64(good) / float64(max(1, all)), good, all
}

// metaWell is the goodput of a service that is well. It is either that or, in the trap, none
// at all: a hiccup of this machine is neither.
const metaWell = 0.9

// metaOver is for how long, in units, it has to be well.
const metaOver = 4.0

// recovery is how long after the trigger, in units, goodput is back: from when on the calls
// of the next metaOver units do well.
func (r *Run) recovery(samples []Sample) float64 {
	end := metaBefore + metaTrigger
	for _, s := range samples {
		at := r.InUnits(s.Due)
		if at < end || at > end+metaAfter-metaOver || !s.OK() {
			continue
		}
		if share, _, _ := r.goodput(samples, at, at+metaOver); share >= metaWell {
			return at - end
		}
	}
	return metaAfter
}

func (r *Run) judgeCure(c cure, samples []Sample) {
	const end = metaBefore + metaTrigger + metaAfter
	healthy, _, _ := r.goodput(samples, 0, metaBefore-1)
	_, good, all := r.goodput(samples, end-metaSettled, end)
	if c.within == 0 {
		claim := "with naive retries goodput stays at zero after the trigger"
		if healthy < metaWell {
			r.Inconclusive("collapse", claim, fmt.Sprintf("the service was not well before the trigger: %.0f %% succeeded", 100*healthy))
			return
		}
		r.Holds("collapse", claim, "0 successes", fmt.Sprintf("%d of the last %d calls", good, all), good == 0)
		return
	}
	claim := fmt.Sprintf("%s: recovers, because %s", c.name, c.why)
	if healthy < metaWell {
		r.Inconclusive(c.name, claim, fmt.Sprintf("the service was not well before the trigger: %.0f %% succeeded", 100*healthy))
		return
	}
	recovered := r.recovery(samples)
	r.AtMost(c.name, claim, c.within, recovered, "timeouts")
	r.Measure("time to recover: "+c.name, recovered*millis(r.U)/1000, "s")
}

// judgeSooner: with a breaker nothing is added to the queue for a while, so it is empty
// sooner than by the spare capacity alone.
func (r *Run) judgeSooner(cures []cure, loads [][]Sample) {
	guarded, budget := 0.0, 0.0
	for i, c := range cures {
		switch {
		case c.name == "budget":
			budget = r.recovery(loads[i])
		case c.engine != "":
			guarded = max(guarded, r.recovery(loads[i]))
		}
	}
	r.Holds("sooner", "breaker and budget recover before a budget alone", "before "+quantity(budget, "timeouts"), quantity(guarded, "timeouts"), guarded < budget)
}

func metaFigure(r *Run, cures []cure, loads [][]Sample) report.Figure {
	f := report.Figure{
		Name: "goodput", Title: "Goodput before, during and after a slowdown",
		Caption: "With naive retries nothing succeeds any more, although the cause is gone. Each cure brings it back, by its own way and in its own time.",
		X:       report.Axis{Label: "time (attempt timeouts)"}, Y: report.Axis{Label: "share of calls that succeed", Min: 0, Max: 1},
		Phases: []report.Phase{{From: metaBefore, To: metaBefore + metaTrigger, Name: "trigger"}},
	}
	for i, c := range cures {
		line := report.Line{Name: c.name, Style: report.Steps}
		for _, w := range windows(loads[i], 2*r.U) {
			line.XY = append(line.XY, report.Point{X: r.InUnits(w.from), Y: w.success})
		}
		f.Lines = append(f.Lines, line)
	}
	return f
}

// Times of the courses that show the trap.
const (
	trapBefore, trapTrigger, trapDrain, trapSettled = 6.0, 10.0, 18.0, 10.0
)

// trapCourses are loads below and above the one at which naive retries alone fill the
// capacity.
func trapCourses(naive cure) []course {
	var all []course
	for _, share := range [...]float64{0.05, 0.12, 0.35, 0.5, 0.65, 0.8, 0.95} {
		all = append(all, course{naive, share, trapBefore, trapTrigger, trapDrain + trapSettled})
	}
	return all
}

// trap shows which loads the naive retries can be trapped at: each goes through a trigger,
// and what comes out of it is compared with what went in.
func (r *Run) trap(courses []course, loads [][]Sample) {
	in, out := report.Line{Name: "before a trigger", Style: report.Curve}, report.Line{Name: "after it", Style: report.Dots}
	wrong, above := 0, 0
	for i, c := range courses {
		healthy, _, _ := r.goodput(loads[i], 0, trapBefore-1)
		settled, good, _ := r.goodput(loads[i], trapBefore+trapTrigger+trapDrain, trapBefore+trapTrigger+trapDrain+trapSettled)
		in.XY = append(in.XY, report.Point{X: c.share, Y: healthy * c.share})
		out.XY = append(out.XY, report.Point{X: c.share, Y: settled * c.share})
		switch {
		case c.share*metaAttempts > 1:
			above++
			if good > 0 {
				wrong++
			}
		case settled < metaWell:
			wrong++
		}
	}
	r.Holds("trap", "stays collapsed where attempts × load exceed the capacity, and nowhere else",
		fmt.Sprintf("%d loads trapped, %d free", above, len(courses)-above), fmt.Sprintf("%d of %d so", len(courses)-wrong, len(courses)), wrong == 0)
	r.Figure(report.Figure{
		Name: "trap", Title: "Load against goodput, and the metastable trap",
		Caption: "The same load has two answers: which one depends on whether there was ever a trigger. Above one over the number of attempts none of these loads found back by itself.",
		X:       report.Axis{Label: "load (share of capacity)", Min: 0, Max: 1}, Y: report.Axis{Label: "goodput (share of capacity)", Min: 0, Max: 1},
		Lines: []report.Line{in, out, {Name: "capacity / attempts", Style: report.Rule, XY: []report.Point{{X: 1.0 / metaAttempts, Y: 0}, {X: 1.0 / metaAttempts, Y: 1}}}},
	})
}

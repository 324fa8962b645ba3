package experiment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
	"reliability/internal/experiment/world"
)

const (
	herdWait   = 6.0 // units to the ceiling of the back-off
	herdWindow = 0.1 // of that wait: what a herd is judged in
)

// herdClients is how many fail at once: fewer where it takes a machine time to make their
// calls, one after the other.
func (r *Run) herdClients() int {
	if r.World.Virtual() {
		return 200
	}
	return 100
}

// A jitterKind is a way to spread retries, and over how much of the wait it does.
type jitterKind struct {
	name  string
	base  float64 // of the back-off, in units, so that it waits for herdWait at most
	share float64
}

func jitterKinds() []jitterKind {
	return []jitterKind{
		{"none", herdWait, 0},
		{"full", herdWait, 1},
		{"equal", herdWait, 1.0 / 2},
		{"decorrelated", herdWait / 3, 2.0 / 3}, // from the base to three times that
	}
}

// jitter: many clients fail at once, and each tries once more.
func jitter() Experiment {
	return Experiment{
		Name:  "jitter",
		Claim: "Without jitter, retries arrive as a thundering herd",
		Lesson: "Back-off alone moves the herd to a later moment: whoever failed together comes back together. Spread the retries over the whole wait: full jitter. " +
			"Equal and decorrelated jitter wait for longer at least, and bring the same retries in less time. The trap is to test back-off with one client, which cannot show it.",
		Latency: true,
		Negatives: []Negative{
			{Name: "jitter-off", Fails: []string{"full", "equal", "decorrelated"}},
			{Name: "jitter-on", Fails: []string{"herd"}},
			{Name: "jitter-other", Fails: []string{"full, least", "equal, least", "decorrelated, least"}}, // full for equal, and the other way round
		},
		Run: func(ctx context.Context, r *Run) error {
			r.Setup("%d clients call at once, and flaky fails each first attempt; each retries once, within %v", r.herdClients(), r.Units(herdWait))
			if n := r.herdRounds(); n > 1 {
				r.Setup("what is not as expected is tried again, up to %d times in all: this machine may stand still for a moment", n)
			}
			var lines []report.Line
			var late time.Duration
			kinds := jitterKinds()
			switch { // the others are as always
			case r.Negative("jitter-on"):
				kinds = kinds[:1]
			case r.Negative("jitter-other"):
				kinds = kinds[1:]
			}
			for _, kind := range kinds {
				if kind.share > 0 {
					retries, err := r.spread(ctx, kind, late)
					if err != nil {
						return err
					}
					lines = append(lines, herdLine(r, kind.name, retries))
					continue
				}
				var retries []time.Duration
				var err error
				if retries, late, err = r.together(ctx, kind); err != nil {
					return err
				}
				lines = append(lines, herdLine(r, kind.name, retries))
				r.Measure("without jitter: a client waits longer than its back-off by, at most", millis(late), "ms")
			}
			r.Figure(report.Figure{
				Name: "arrivals", Title: "When the retries come", Caption: "Without jitter all come in the same moment; full jitter leaves no moment that stands out.",
				X: report.Axis{Label: "time since the clients began (attempt timeouts)"}, Y: report.Axis{Label: "retries in a tenth of an attempt timeout", Log: true},
				Lines: lines,
			})
			return nil
		},
	}
}

// A herd is what clients that failed at once did next.
type herd struct {
	retries []time.Duration // when they began, after the first client called; sorted
	longest time.Duration   // of the waits before
	least   time.Duration   // likewise
	fullest int             // retries that arrived in the fullest stretch of time
}

// herd lets the clients fail.
func (r *Run) herd(ctx context.Context, kind jitterKind, round int) (h herd, err error) {
	used, base := kind.name, kind.base
	switch {
	case r.Negative("jitter-off"):
		used, base = "none", herdWait
	case r.Negative("jitter-on"):
		used, base = "full", herdWait
	case r.Negative("jitter-other"):
		base = herdWait
		if used = "full"; kind.name == used {
			used = "equal"
		}
	}
	retry := world.Doc{"max_attempts": 2, "base": r.Units(base), "max": r.Units(herdWait), "jitter": used}
	if err := r.SetPolicy(ctx, world.Doc{"order": []string{"retry"}, "retry": retry}); err != nil {
		return herd{}, err
	}
	if err := r.SetFaults(ctx, world.Doc{"fail_first": world.Doc{"count": 1, "per": "call"}}); err != nil {
		return herd{}, err
	}
	begin := time.Now()
	samples, err := r.Calls(ctx, r.Caller(), fmt.Sprintf("%s-%d", kind.name, round), load.Plan{Calls: r.herdClients()}, nil)
	if err != nil {
		return herd{}, err
	}
	for _, s := range samples {
		if len(s.Attempts) != 2 {
			return herd{}, fmt.Errorf("a client made %d attempts: want 2, as every first one fails", len(s.Attempts))
		}
		// The caller's clock for the call began to run when its answer was due, less what it
		// took: calls that begin at once wait for each other before, not behind.
		first, second := s.Attempts[0], s.Attempts[1]
		h.retries = append(h.retries, s.Due+s.Latency-ofMillis(s.ElapsedMS)+ofMillis(second.StartMS))
		wait := ofMillis(second.StartMS - first.StartMS - first.DurationMS)
		h.longest = max(h.longest, wait)
		if len(h.retries) == 1 || wait < h.least {
			h.least = wait
		}
	}
	// The first attempts arrive at the begin. In the later half of the wait there are retries
	// only, and without jitter all of them.
	stats, err := r.Flaky.Stats(ctx, min(max(time.Since(begin)-r.Units(herdWait/2), 10*time.Millisecond), time.Minute))
	if err != nil {
		return herd{}, err
	}
	width := 1 // bucket
	if !r.World.Virtual() {
		width = max(1, int(r.Units(herdWait*herdWindow).Milliseconds())/stats.Recent.BucketMS)
	}
	for i := range stats.Recent.Counts {
		n := 0
		for _, c := range stats.Recent.Counts[i:min(i+width, len(stats.Recent.Counts))] {
			n += int(c)
		}
		h.fullest = max(h.fullest, n)
	}
	slices.Sort(h.retries)
	return h, nil
}

// herdRounds is how often an outcome that is not as expected is tried again: a real machine
// that stands still for a moment tears a herd apart, or makes one of what was due meanwhile,
// but not every time. Whoever spreads retries never makes one, and whoever does not always.
func (r *Run) herdRounds() int {
	if r.World.Virtual() {
		return 1
	}
	return 3
}

// together judges retries without jitter: all are in one bucket where nothing takes time. A
// machine that has to make these calls one after the other needs longer. It also returns by
// how much a wait was too long.
func (r *Run) together(ctx context.Context, kind jitterKind) ([]time.Duration, time.Duration, error) {
	enough := 0.4 * float64(r.herdClients())
	var last herd
	for round := range r.herdRounds() {
		var err error
		if last, err = r.herd(ctx, kind, round); err != nil {
			return nil, 0, err
		}
		if float64(last.fullest) >= enough {
			break
		}
	}
	if r.World.Virtual() {
		r.Exactly("herd", "without jitter, all retries arrive within the same 10 ms", r.herdClients(), last.fullest)
	} else {
		r.AtLeast("herd", fmt.Sprintf("without jitter, 40 %% of the retries arrive within %v", r.Units(herdWait*herdWindow)), enough, float64(last.fullest), "retries")
	}
	return last.retries, max(0, last.longest-r.Units(herdWait)), nil
}

// spread judges retries with jitter.
func (r *Run) spread(ctx context.Context, kind jitterKind, late time.Duration) ([]time.Duration, error) {
	for round := 1; ; round++ {
		herd, err := r.herd(ctx, kind, round)
		if err != nil {
			return nil, err
		}
		v := r.spreadVerdict(kind, herd.retries, late)
		if v.P < stat.Alpha && round < r.herdRounds() {
			continue
		}
		if v.Outcome == report.Inconclusive {
			r.Inconclusive(v.Name, v.Claim, v.Why)
		} else {
			r.Judge(v)
		}
		r.judgeLeast(kind, herd.least)
		return herd.retries, nil
	}
}

// judgeLeast tells the kinds apart: equal and decorrelated jitter wait for a base at least,
// full jitter for nothing at all. No wait is shorter than it was drawn, and the chance that no
// client of a hundred draws from the lower half is nothing to speak of.
func (r *Run) judgeLeast(kind jitterKind, least time.Duration) {
	name, floor := kind.name+", least", r.Units(herdWait*(1-kind.share))
	if floor == 0 {
		r.AtMost(name, "full jitter waits for any part of the ceiling, also for little", millis(r.Units(herdWait/4)), millis(least), "ms")
		return
	}
	// The answer rounds to microseconds, twice.
	r.AtLeast(name, kind.name+" jitter waits for a base at least", millis(floor)-0.003, millis(least), "ms")
}

// spreadVerdict asks how likely the fullest window of time is, if the retries are spread
// evenly. Without jitter it was seen by how much a wait may be too long here: late retries
// come into a window from that much earlier.
func (r *Run) spreadVerdict(kind jitterKind, retries []time.Duration, late time.Duration) report.Verdict {
	n, window := len(retries), r.Units(herdWait*herdWindow)
	p := min(1, float64(window+late)/(float64(r.Units(herdWait))*kind.share))
	fullest := 0
	for i, from := range retries {
		within, _ := slices.BinarySearch(retries[i:], from+window)
		fullest = max(fullest, within)
	}
	v := report.Verdict{Name: kind.name, Claim: fmt.Sprintf("%s jitter: no %v is fuller than chance fills it", kind.name, window), P: 1, Power: 1} // all in one window reach any bound
	bound := stat.SlidingBound(n, p, stat.Alpha)
	if bound > n {
		v.Outcome, v.Why = report.Inconclusive, fmt.Sprintf("waits are up to %v too long on this machine, so that even a herd would be no surprise", late)
		return v
	}
	// The fullest window may be taken to begin with one of its retries.
	v.P = min(1, float64(n)*stat.BinomialAtLeast(fullest-1, n-1, p))
	v.Expected, v.Seen = fmt.Sprintf("< %d", bound), fmt.Sprintf("%d in the fullest", fullest)
	v.Test = fmt.Sprintf("exact binomial over all windows, n = %d, p = %.3g", n, p)
	return v
}

// herdLine is how many retries came, in stretches of a tenth of a unit.
func herdLine(r *Run, name string, retries []time.Duration) report.Line {
	width := r.Units(0.1)
	counts, last := map[int]int{}, int(herdWait*10)
	for _, at := range retries {
		counts[int(at/width)]++
		last = max(last, int(at/width)) // on a real machine calls that begin at once do not
	}
	line := report.Line{Name: name, Style: report.Steps}
	for i := range last + 2 {
		line.XY = append(line.XY, report.Point{X: float64(i) / 10, Y: float64(counts[i])})
	}
	return line
}

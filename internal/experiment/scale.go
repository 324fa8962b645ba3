package experiment

import (
	_ "embed" // for the page
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"reliability/internal/experiment/fleet"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
)

//go:embed scale.md.tmpl
var scalePage string

// million is the size of the fleet that is not run, but worked out on paper.
const million = 1_000_000

// Scale writes the page about what a fleet does that one caller does not, from a result of
// the experiment fleet: what was measured, and what follows for a million callers.
func Scale(w io.Writer, r report.Result, command string) error {
	t, err := template.New("scale").Funcs(template.FuncMap{"n": count}).Parse(scalePage)
	if err != nil {
		return err
	}
	data, err := scaleOf(r)
	if err != nil {
		return err
	}
	data.Command = command
	return t.Execute(w, data)
}

// scale is what the page says.
type scale struct {
	Command  string
	Seed     uint64
	Replicas int
	Policy   fleet.Policy
	Times    fleet.Times
	Sizes    []int
	Rows     []scaleRow
	Figures  []report.Figure
	Million  paper
}

// A scaleRow is one measure for each size.
type scaleRow struct {
	Name   string
	Unit   string
	Values []string
}

// paper is what follows for a million callers.
type paper struct {
	Callers, Paid, PaidPerReplica int
	Herd, HerdPerReplica          int    // without jitter, in 10 ms
	Mean, Fullest                 int    // with full jitter, in 10 ms
	Chance                        string // what chance adds to the mean
	Probes, ProbesPerReplica      int    // a second, in the outage
	Naive, Budget                 int    // arrivals a second in the outage, and retries that budgets add once
}

func scaleOf(r report.Result) (scale, error) {
	find := func(name string) (report.Measure, bool) {
		i := slices.IndexFunc(r.Measured, func(m report.Measure) bool { return m.Name == name })
		if i < 0 {
			return report.Measure{}, false
		}
		return r.Measured[i], true
	}
	s := scale{Seed: r.Seed, Replicas: fleet.Replicas, Policy: fleetPolicy(), Times: fleetTimes(), Figures: r.Figures}
	for n := 10; ; n *= 10 {
		if _, ok := find(ofCallers(fleetPaid, n)); !ok {
			break
		}
		s.Sizes = append(s.Sizes, n)
	}
	if len(s.Sizes) == 0 {
		return s, fmt.Errorf("the result of %s has no measurements of 10 callers", r.Name)
	}
	names := []string{fleetPaid}
	for _, jitter := range fleetJitters() {
		names = append(names, fleetHerd+jitter.String())
	}
	for _, p := range (fleetRuns{}).protections() {
		names = append(names, fleetAmplified+p.name)
	}
	names = append(names, fleetProbed)
	names = append(names, fleetStream)
	for _, jitter := range fleetJitters() {
		names = append(names, fleetRecover+jitter.String())
	}
	for _, name := range names {
		row := scaleRow{Name: name}
		for _, n := range s.Sizes {
			m, ok := find(ofCallers(name, n))
			if !ok {
				return s, fmt.Errorf("the result of %s has no %q", r.Name, ofCallers(name, n))
			}
			row.Unit, row.Values = m.Unit, append(row.Values, quantity(m.Value, ""))
		}
		s.Rows = append(s.Rows, row)
	}
	largest := s.Sizes[len(s.Sizes)-1]
	herd, _ := find(ofCallers(fleetHerd+"none", largest))
	probed, _ := find(ofCallers(fleetProbed, largest))
	stream, _ := find(ofCallers(fleetStream, largest))
	each := million / float64(largest)
	s.Million = onPaper(herd.Value*each, stream.Value*each, probed.Value*each)
	return s, nil
}

// onPaper works out what follows for a million callers, from what was measured of fewer and
// grows with their number: how many retries came at once without jitter, the mean of 10 ms in
// the busiest second with it, and the arrivals a second while all breakers were open.
func onPaper(herd, mean, probes float64) paper {
	const n = million
	fullest := stat.PoissonBound(mean, int(time.Second/fleet.BucketWidth), 0.5)
	return paper{
		Callers: n, Paid: n * fleetFailures, PaidPerReplica: n * fleetFailures / fleet.Replicas,
		Herd: int(herd), HerdPerReplica: int(herd) / fleet.Replicas,
		Mean: int(mean), Fullest: fullest, Chance: fmt.Sprintf("%.1f %%", 100*(float64(fullest)-mean)/mean),
		Probes: int(probes), ProbesPerReplica: int(probes) / fleet.Replicas,
		Naive: n * fleetAttempts, Budget: n * fleetBurst,
	}
}

// count writes a whole number in groups of three.
func count(n int) string {
	digits := strconv.Itoa(n)
	var groups []string
	for len(digits) > 3 {
		cut := len(digits) - 3
		groups = append(groups, digits[cut:])
		digits = digits[:cut]
	}
	groups = append(groups, digits)
	slices.Reverse(groups)
	return strings.Join(groups, ",")
}

package experiment

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"reliability/internal/experiment/report"
	"reliability/internal/experiment/stat"
)

// Judge adds a verdict that compares by a statistic: it fails where so much difference is
// less likely than [stat.Alpha]. Power is how likely the negative fails.
func (r *Run) Judge(v report.Verdict) {
	v.Outcome = report.Pass
	if !(v.P >= stat.Alpha) { // nor is NaN a pass
		v.Outcome = report.Fail
	}
	if v.Outcome == report.Pass && v.Power < enough {
		v.Outcome, v.Why = report.Inconclusive, "by what has to be allowed for on this machine, the verdict would hold without the protection as well"
	}
	r.result.Verdicts = append(r.result.Verdicts, v)
}

// enough is the power without which a verdict that holds says nothing.
const enough = 1 - 1e-6

// Holds judges what is true or not, without chance.
func (r *Run) Holds(name, claim, expected, seen string, ok bool) {
	v := report.Verdict{Name: name, Claim: claim, Expected: expected, Seen: seen, Test: "comparison", Power: 1, P: 1, Outcome: report.Pass}
	if !ok {
		v.P, v.Outcome = 0, report.Fail
	}
	r.result.Verdicts = append(r.result.Verdicts, v)
}

// Exactly judges a count.
func (r *Run) Exactly(name, claim string, want, got int) {
	r.Holds(name, claim, strconv.Itoa(want), strconv.Itoa(got), got == want)
}

// AtMost judges a number against a bound that nothing may pass.
func (r *Run) AtMost(name, claim string, bound, got float64, unit string) {
	r.Holds(name, claim, "≤ "+quantity(bound, unit), quantity(got, unit), atMost(got, bound))
}

// AtLeast judges a number against one that must be reached.
func (r *Run) AtLeast(name, claim string, bound, got float64, unit string) {
	r.Holds(name, claim, "≥ "+quantity(bound, unit), quantity(got, unit), atMost(bound, got))
}

// Between judges a number against both.
func (r *Run) Between(name, claim string, low, high, got float64, unit string) {
	r.Holds(name, claim, between(low, high, unit), quantity(got, unit), atMost(low, got) && atMost(got, high))
}

// between writes a range, or one number where both ends are written alike.
func between(low, high float64, unit string) string {
	if quantity(low, unit) == quantity(high, unit) {
		return quantity(low, unit)
	}
	return quantity(low, "") + " to " + quantity(high, unit)
}

// atMost compares but for the last digits, which hang on the order of a sum.
func atMost(a, b float64) bool { return a <= b+1e-9*math.Abs(b) }

// Inconclusive adds a verdict that cannot be judged, and why.
func (r *Run) Inconclusive(name, claim, why string) {
	r.result.Verdicts = append(r.result.Verdicts, report.Verdict{
		Name: name, Claim: claim, Expected: "a measurement", Seen: "none", Test: "none", Outcome: report.Inconclusive, Why: why,
	})
}

// quantity writes a number with four digits, and its unit.
func quantity(v float64, unit string) string {
	text := strconv.FormatFloat(v, 'g', 4, 64)
	if v == float64(int64(v)) && v < 1e9 && v > -1e9 {
		text = strconv.FormatInt(int64(v), 10)
	}
	if unit != "" {
		text += " " + unit
	}
	return text
}

// millis is a time as verdicts and figures have it.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// ofMillis is the same the other way round.
func ofMillis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// percent is a share as verdicts have it.
func percent(part, whole int) string {
	return fmt.Sprintf("%.1f %% (%d of %d)", 100*float64(part)/float64(whole), part, whole)
}

// Rate judges a share of calls, each of which is counted with probability p by itself.
// Negative is that probability without the protection.
func (r *Run) Rate(name, claim string, hits, n int, p, negative float64) {
	r.Judge(report.Verdict{
		Name: name, Claim: claim, Expected: quantity(100*p, "%"), Seen: percent(hits, n),
		Test: fmt.Sprintf("exact binomial, two-sided, n = %d", n),
		P:    stat.Binomial(hits, n, p), Power: stat.BinomialPower(n, p, negative, stat.Alpha, stat.TwoSided),
	})
}

package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// glyph is the sign of an outcome, for those who do not see its colour.
func (o Outcome) glyph() string {
	switch o {
	case Pass:
		return "✓"
	case Fail, couldNotRun:
		return "✗"
	case skipped:
		return "–"
	default:
		return "?"
	}
}

// chance reports whether chance had a part in a verdict. Where it had none, the comparison
// is exact, and p and power say nothing.
func (v Verdict) chance() bool { return v.P != 1 || v.Power != 1 }

// pValue is p as readers see it.
func (v Verdict) pValue() string {
	if !v.chance() {
		return "–"
	}
	return probability(v.P)
}

// power is the power as readers see it: what is missing to 1 is what matters.
func (v Verdict) power() string {
	switch missing := 1 - v.Power; {
	case !v.chance():
		return "–"
	case missing > 0 && missing < 1e-12:
		return "> 1 − 1e-12"
	case missing > 0 && missing < 0.001:
		return "1 − " + probability(missing)
	default:
		return probability(v.Power)
	}
}

func probability(p float64) string {
	if math.IsNaN(p) {
		return "–"
	}
	return strings.Replace(strconv.FormatFloat(p, 'g', 3, 64), "e-0", "e-", 1)
}

// number is a measured value: four digits are more than any of them is worth.
func number(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 0):
		return strings.TrimSuffix(strings.Replace(fmt.Sprint(v), "-", "−", 1), "Inf") + "∞"
	case v == math.Trunc(v) && size < 1e15:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case size >= 1e15 || size < 1e-4:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case size >= 1000:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	default:
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64) // the text of a number is one
		return strconv.FormatFloat(rounded, 'f', -1, 64)
	}
}

// thousands sets commas into digits from five on: 1840 reads well, 1840000 does not.
func thousands(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	if len(whole) < 5 {
		return digits
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}

// duration is a time in at most three digits.
func duration(d time.Duration) string {
	for _, unit := range [...]struct {
		size time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= unit.size {
			v := float64(d) / float64(unit.size)
			decimals := max(0, 2-int(math.Log10(v)))
			s := strconv.FormatFloat(v, 'f', decimals, 64)
			if decimals > 0 {
				s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
			}
			return thousands(s) + " " + unit.name
		}
	}
	return d.String()
}

func plural(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return thousands(strconv.Itoa(n)) + " " + word
}

package report

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// drawable reports whether a value has a place on an axis. Beyond its limit even the
// width of a range is no number.
func drawable(v float64) bool { return math.Abs(v) <= 1e300 }

// A scale is an axis with its range.
type scale struct {
	plot.Axis
	log  bool
	zero bool // of a log axis: it has zeros, or less, to show at its foot
}

// newScale is a scale for values. Its range is what the axis says or, if that says
// nothing, what the values need: with 0 in it if fromZero, and with round ends if round.
func newScale(a Axis, values []float64, fromZero, round bool, ticks int) scale {
	s := scale{log: a.Log}
	s.Scale = plot.LinearScale{}
	if a.Log {
		s.Scale = plot.LogScale{}
	}
	low, high, whole := math.Inf(1), math.Inf(-1), true
	for _, v := range values {
		switch {
		case !drawable(v):
		case a.Log && v <= 0:
			s.zero = true
		default:
			low, high, whole = min(low, v), max(high, v), whole && v == math.Trunc(v)
		}
	}
	fixed := drawable(a.Min) && drawable(a.Max) && a.Min < a.Max && (!a.Log || a.Max > 0)
	if fixed {
		high = a.Max
		if !a.Log || a.Min > 0 {
			low = a.Min
		}
	}
	marks := linearTicks{about: ticks}
	if whole && !fixed && low < high {
		marks.least = 1 // there is nothing between one attempt and two
	}
	s.Tick.Marker = marks
	if low > high { // no values, or none in the range
		low, high = 0, 1
		if a.Log {
			low, high = 1, 10
			if fixed {
				low, high = a.Max/10, a.Max
			}
		}
	}
	if a.Log {
		s.logRange(low, high, fixed && a.Min > 0, round)
		s.Tick.Marker = logTicks{most: ticks, zero: s.zero}
		return s
	}
	if !fixed {
		low, high = spread(low, high, fromZero)
		if round {
			step := marks.step(low, high)
			low, high = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
		}
	}
	s.Min, s.Max = low, high
	return s
}

// spread gives a range a width, and 0 as an end if it is asked for.
func spread(low, high float64, fromZero bool) (from, to float64) {
	if fromZero {
		low, high = min(low, 0), max(high, 0)
	}
	if high-low <= 1e-12*max(math.Abs(low), math.Abs(high)) {
		half := max(math.Abs(low)/10, 0.5)
		if fromZero && low == 0 {
			return 0, 1
		}
		return low - half, high + half
	}
	return low, high
}

// logRange sets the range of a log axis. Zeros get room below everything else: there is no
// place for them at any distance, and left out they would be missed.
func (s *scale) logRange(low, high float64, fixed, round bool) {
	if high/low < 1.0001 {
		low, high = low/2, high*2
	}
	if round && !fixed {
		low, high = roundDown(low), roundUp(high)
	}
	if s.zero && !fixed {
		low /= math.Pow(high/low, 0.1)
	}
	s.zero = s.zero && !fixed
	s.Min, s.Max = max(low, 1e-300), high
}

// roundUp is the least of 1, 2 and 5 times a power of ten that is v or more.
func roundUp(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)+1e-12))
	for _, factor := range [...]float64{1, 2, 5} {
		if factor*decade >= v*(1-1e-9) {
			return factor * decade
		}
	}
	return 10 * decade
}

// roundDown is the greatest of 1, 2 and 5 times a power of ten that is v or less.
func roundDown(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)+1e-12))
	for _, factor := range [...]float64{5, 2} {
		if factor*decade <= v*(1+1e-9) {
			return factor * decade
		}
	}
	return decade
}

// share is where a value stands between the ends of the axis: 0 to 1 if it is between
// them.
func (s scale) share(v float64) float64 {
	if s.log {
		if v <= s.Min {
			return 0
		}
		return s.Norm(v)
	}
	return s.Norm(v)
}

// linearTicks sets about so many ticks, at a distance that is not less than least.
type linearTicks struct {
	about int
	least float64
}

// step is the distance of ticks: 1, 2 or 5 times a power of ten.
func (l linearTicks) step(low, high float64) float64 {
	return max(roundUp((high-low)/float64(max(l.about, 1))), l.least)
}

// Ticks implements plot.Ticker.
func (l linearTicks) Ticks(low, high float64) []plot.Tick {
	step := l.step(low, high)
	var ticks []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9 && len(ticks) < 100; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: tickLabel(i*step, step)})
	}
	return ticks
}

// tickLabel has as many decimals as the step needs.
func tickLabel(v, step float64) string {
	if v == 0 {
		return "0"
	}
	if math.Abs(v) >= 1e7 || step < 1e-6 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	decimals := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	return strings.Replace(thousands(strconv.FormatFloat(v, 'f', decimals, 64)), "-", "−", 1)
}

// logTicks sets ticks at powers of ten, and at their doubles and fivefold if there is room.
type logTicks struct {
	most int
	zero bool
}

// Ticks implements plot.Ticker.
func (l logTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	first, last := int(math.Floor(math.Log10(low)+1e-9)), int(math.Ceil(math.Log10(high)-1e-9))
	every := max(1, (last-first+l.most-1)/max(l.most, 1))
	factors := []float64{1}
	if 3*(last-first) <= l.most+3 {
		factors = []float64{1, 2, 5}
	}
	if l.zero {
		ticks = append(ticks, plot.Tick{Value: low, Label: "0"})
	}
	for decade := first; decade <= last; decade += every {
		for _, f := range factors {
			v := f * math.Pow(10, float64(decade))
			tooLow := v < low*(1-1e-9) || l.zero && math.Log10(v/low) < 0.05*math.Log10(high/low)
			if !tooLow && v <= high*(1+1e-9) {
				ticks = append(ticks, plot.Tick{Value: v, Label: logLabel(v, f, decade)})
			}
		}
	}
	return ticks
}

func logLabel(v, factor float64, decade int) string {
	if decade >= -4 && decade <= 5 {
		return thousands(strconv.FormatFloat(v, 'f', max(0, -decade), 64))
	}
	power := "10" + strings.Map(func(r rune) rune {
		if r == '-' {
			return '⁻'
		}
		return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[r-'0']
	}, strconv.Itoa(decade))
	if factor == 1 {
		return power
	}
	return strconv.Itoa(int(factor)) + "·" + power
}

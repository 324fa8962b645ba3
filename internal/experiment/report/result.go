// Package report is what experiments find, and how it is shown: as a table, as JSON, as a
// page with plots, and as the pages of docs/.
package report

import "time"

// A Result is what one run of one experiment found.
type Result struct {
	Name     string   `json:"name"`
	Claim    string   `json:"claim"`               // in a sentence
	Lesson   string   `json:"lesson"`              // what to take home from it, and the trap it warns of
	World    string   `json:"world"`               // simulated, local or cluster
	Seed     uint64   `json:"seed"`                // repeats faults and back-offs
	Negative string   `json:"negative,omitempty"`  // the negative control that this is: what was removed or broken on purpose
	MustFail []string `json:"must_fail,omitempty"` // verdicts by which a negative control shows that they can fail

	Unit   time.Duration `json:"unit_ns"` // the attempt timeout, in which all durations are given
	Began  time.Time     `json:"began"`   // real time
	Took   time.Duration `json:"took_ns"` // real time
	Calls  int           `json:"calls"`   // requests that caller and flaky served
	Setup  []string      `json:"setup"`   // what ran and what was done to it, a line each
	Varies []string      `json:"varies"`  // what may differ between two runs with the same seed
	Repeat string        `json:"repeat"`  // the command that runs it again

	Verdicts []Verdict `json:"verdicts"`
	Measured []Measure `json:"measured"` // shown, not judged
	Figures  []Figure  `json:"figures"`

	Skipped string `json:"skipped,omitempty"` // why it cannot run in this world
	Err     string `json:"error,omitempty"`   // why it could not run
}

// A Verdict compares what was expected with what was seen.
type Verdict struct {
	Name     string  `json:"name"`     // one or two words
	Claim    string  `json:"claim"`    // what is judged
	Expected string  `json:"expected"` // by theory, configuration or a count
	Seen     string  `json:"seen"`
	Test     string  `json:"test"`          // how they were compared: exact binomial, n = 400
	P        float64 `json:"p_value"`       // how likely so much difference is if the claim holds; 1 for a comparison without chance
	Power    float64 `json:"power"`         // how likely the negative fails; 1 for a comparison without chance
	Outcome  Outcome `json:"outcome"`       // pass, fail or inconclusive
	Why      string  `json:"why,omitempty"` // of a verdict that is inconclusive
}

// An Outcome is how a verdict ended.
type Outcome string

// Outcomes. Inconclusive is what cannot be judged, such as a precondition that did not hold.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	Inconclusive Outcome = "inconclusive"
)

// A Measure is a figure that goes with the verdicts.
type Measure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// A Figure is a plot: lines over an axis, rows of bars as in a waterfall, or both, one
// above the other on the same axis.
type Figure struct {
	Name    string  `json:"name"` // of its file: lower case and dashes
	Title   string  `json:"title"`
	Caption string  `json:"caption"` // what to see in it
	X       Axis    `json:"x"`
	Y       Axis    `json:"y"`
	Lines   []Line  `json:"lines,omitempty"`
	Rows    []Row   `json:"rows,omitempty"`
	Phases  []Phase `json:"phases,omitempty"` // shaded behind everything
}

// An Axis is one axis of a figure.
type Axis struct {
	Label string  `json:"label"`
	Log   bool    `json:"log,omitempty"`
	Min   float64 `json:"min,omitempty"` // with Max, the range; both 0: what the data need
	Max   float64 `json:"max,omitempty"`
}

// A Line is one series.
type Line struct {
	Name  string  `json:"name"`
	Style Style   `json:"style"`
	XY    []Point `json:"xy"`
}

// A Point is one value of a series.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// A Style is how a series is drawn.
type Style string

// Styles. A curve joins its points, steps hold each value until the next, bars stand on
// the axis, dots are not joined, and a rule is a thin dashed line, as for a bound or theory;
// a rule of one point is a bound that runs across the whole plot.
const (
	Curve Style = "curve"
	Steps Style = "steps"
	Bars  Style = "bars"
	Dots  Style = "dots"
	Rule  Style = "rule"
)

// A Row is one line of a waterfall or one band of states.
type Row struct {
	Name string `json:"name"`
	Bars []Bar  `json:"bars"`
}

// A Bar is a stretch of a row. State chooses its colour: ok, error, timeout, rejected,
// canceled and wait of attempts; closed, open and half-open of breakers.
type Bar struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	State string  `json:"state"`
	Label string  `json:"label,omitempty"`
}

// A Phase is a stretch of time in which something was done to the dependency.
type Phase struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Name string  `json:"name"`
}

// Outcome of a result as a whole: inconclusive if it could not run or a verdict is, fail
// if one failed, else pass.
func (r Result) Outcome() Outcome {
	whole := Pass
	if r.Err != "" || len(r.Verdicts) == 0 {
		whole = Inconclusive
	}
	for _, v := range r.Verdicts {
		switch v.Outcome {
		case Fail:
			return Fail
		case Inconclusive:
			whole = Inconclusive
		}
	}
	return whole
}

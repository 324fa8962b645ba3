package experiment

import (
	"fmt"
	"strings"
	"time"

	"reliability/internal/experiment/report"
)

// judge compares what was seen of each order with what follows from it.
func (all orderings) judge(r *Run, allowance time.Duration) {
	counts := func(name, claim string, of func(orderFacts) int) {
		var want, got []int
		for _, o := range all {
			want, got = append(want, of(o.want)), append(got, of(o.got))
		}
		r.Holds(name, claim+", "+all.names(), list(want), list(got), list(want) == list(got))
	}
	counts("failures", "failures that the breaker counts for one failed call", func(f orderFacts) int { return f.perCall })
	counts("opening", "calls until it opens", func(f orderFacts) int { return f.opening })
	counts("price", "attempts that the dead service gets until then", func(f orderFacts) int { return f.price })
	counts("probe", "attempts in one probe", func(f orderFacts) int { return f.probe })
	counts("attempts", fmt.Sprintf("attempts of %d calls that hang", orderHanging), func(f orderFacts) int { return f.attempts })
	counts("blame", "failures that the breaker counts for these", func(f orderFacts) int { return f.blamed })
	counts("predicted", "milliseconds that a call can take, as caller says of its policy", func(f orderFacts) int { return int(f.predicted.Milliseconds()) })

	var want, got []string
	in := true
	for _, o := range all {
		// Each attempt, and each wait, may end by so much later than it should.
		most := o.want.longest + time.Duration(2*o.got.attempts/orderHanging-1)*allowance
		want = append(want, quantity(millis(o.want.longest), "")+" to "+quantity(millis(most), "ms"))
		got = append(got, quantity(millis(o.got.longest), "ms"))
		in = in && atMost(millis(o.want.longest), millis(o.got.longest)) && atMost(millis(o.got.longest), millis(most))
	}
	r.Holds("latency", "time of a call that hangs: attempts × timeout + back-offs, or one timeout where that is outermost, "+all.names(),
		strings.Join(want, "; "), strings.Join(got, "; "), in)
}

func (all orderings) names() string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.name
	}
	return strings.Join(names, ", ")
}

// waterfall is a call that hangs, in each order.
func (all orderings) waterfall() report.Figure {
	f := report.Figure{
		Name: "hanging", Title: "A call to a service that hangs, in three orders",
		Caption: "Outermost, the timeout is spent on the first attempt; inside retry, each attempt has its own.",
		X:       report.Axis{Label: "time since the call's begin (ms)"},
	}
	for _, o := range all {
		f.Rows = append(f.Rows, attemptRow(o.name, o.hanging[0]))
	}
	return f
}

// openings is the state of the breaker after each call to a service that fails at once.
func (all orderings) openings() report.Figure {
	f := report.Figure{
		Name: "openings", Title: fmt.Sprintf("A breaker that opens after %d failures, call by call, in three orders", orderThreshold),
		Caption: "The number is that of attempts that reach the dead service: with the breaker outermost many calls fail before it knows, and each is a burst.",
		X:       report.Axis{Label: "calls", Min: 0, Max: orderCalls},
	}
	for _, o := range all {
		row := report.Row{Name: o.name}
		for i, s := range o.failing {
			bar := report.Bar{From: float64(i), To: float64(i + 1), State: "closed", Label: fmt.Sprint(s.Reached())}
			if s.Reached() == 0 {
				bar.State, bar.Label = "open", ""
			}
			row.Bars = append(row.Bars, bar)
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

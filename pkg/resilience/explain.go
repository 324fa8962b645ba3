package resilience

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// An Explanation is what a call through a chain can cost, at worst.
type Explanation struct {
	// Order is the chain as a formula, the outermost first: "retry(timeout(call))".
	Order string
	// MostAttempts is how often one call may call the operation.
	MostAttempts int
	// LongestTime is how long one call may take: for each Retry, its attempts at their
	// longest and the ceilings of the back-off between them. 0: nothing bounds it. A wait
	// that the dependency asks for (Retry-After) is not in it.
	LongestTime time.Duration
	// LoadFactor is by what the chain multiplies the dependency's load at worst, in the long
	// run: each Retry does by 1 + Ratio if it has a budget, and otherwise by its MaxAttempts.
	LoadFactor float64
	// Warnings are what there is to say against the chain.
	Warnings []string
}

// Explain says what a chain of these policies can cost a caller with the given deadline;
// 0 is a caller that has none. The error is that of [Chain], but for the order, about
// which there are warnings.
func Explain(deadline time.Duration, outermostFirst ...Policy) (Explanation, error) {
	policies, _, err := checked(outermostFirst)
	if err != nil {
		return Explanation{}, fmt.Errorf("resilience: explain: %w", err)
	}
	e := Explanation{Order: "call", MostAttempts: 1, LoadFactor: 1}
	for _, p := range orderProblems(policies) {
		e.Warnings = append(e.Warnings, p.String())
	}
	for _, p := range slices.Backward(policies) {
		e.within(p)
	}
	if deadline > 0 && (e.LongestTime == 0 || e.LongestTime > deadline) {
		longest := "for ever: nothing bounds an attempt, or a wait in a queue"
		if e.LongestTime > 0 {
			longest = e.LongestTime.String()
		}
		e.warn("the caller's deadline is %v, and a call may take %s", deadline, longest)
	}
	return e, nil
}

// within adds p around what is explained already.
func (e *Explanation) within(p Policy) {
	e.Order = strings.ReplaceAll(p.kind, " ", "") + "(" + e.Order + ")"
	switch {
	case p.limit > 0:
		if e.LongestTime == 0 || p.limit < e.LongestTime {
			e.LongestTime = p.limit
		}
	case p.retry != nil:
		e.withinRetry(p.retry)
	case p.compartment != nil:
		e.withinBulkhead(p.compartment)
	}
}

func (e *Explanation) withinRetry(r *retry) {
	n := r.cfg.MaxAttempts
	if n == 1 {
		return
	}
	if e.MostAttempts > 1 {
		e.warn("retries multiply: %d attempts of %d attempts each", n, e.MostAttempts)
	}
	e.MostAttempts *= n
	if r.cfg.Budget != nil {
		e.LoadFactor *= 1 + r.cfg.Budget.Ratio()
	} else {
		e.LoadFactor *= float64(n)
	}
	if e.LongestTime == 0 {
		return
	}
	last := e.LongestTime // of the last attempt
	total := last
	for attempt := 1; attempt < n; attempt++ {
		total = addTime(total, addTime(r.backoff.longest(attempt), last))
	}
	if r.cfg.MaxElapsed > 0 {
		total = min(total, addTime(r.cfg.MaxElapsed, last))
	}
	e.LongestTime = total
}

func (e *Explanation) withinBulkhead(c *Compartment) {
	if e.MostAttempts > 1 {
		e.warn("a bulkhead around retries keeps its slot while they wait")
	}
	limits := c.limits()
	switch {
	case limits.MaxQueue == 0 || e.LongestTime == 0:
	case limits.MaxWait == 0:
		e.LongestTime = 0
	default:
		e.LongestTime = addTime(e.LongestTime, limits.MaxWait)
	}
}

func (e *Explanation) warn(format string, args ...any) {
	e.Warnings = append(e.Warnings, fmt.Sprintf(format, args...))
}

// addTime adds without overflow.
func addTime(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

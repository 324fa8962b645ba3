package caller

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/problem"
	"reliability/pkg/resilience"
)

// BreakerState says why a breaker is in its state and what is missing to the next.
type BreakerState struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Mode  string `json:"mode"` // who decides: automatic, or open, closed or observe by hand
	Why   string `json:"why"`  // in words: what it waits for

	Failures          int     `json:"failures"`         // in a row
	FailuresToOpen    int     `json:"failures_to_open"` // 0: the rule is off, here and below
	Calls             int     `json:"calls"`            // in the window
	CallsToJudge      int     `json:"calls_to_judge"`
	Failed            int     `json:"failed"` // of the window's calls
	FailureRateToOpen float64 `json:"failure_rate_to_open"`
	Slow              int     `json:"slow"`
	Overdue           int     `json:"overdue"` // running for too long already
	SlowRateToOpen    float64 `json:"slow_rate_to_open"`

	ProbesPassed  int         `json:"probes_passed"`
	ProbesOut     int         `json:"probes_out"`
	ProbesToClose int         `json:"probes_to_close"`
	HalfOpenInMS  float64     `json:"half_open_in_ms,omitempty"` // while open, if that is known
	Reopened      int         `json:"reopened"`                  // how often since it was last closed
	Last          *Transition `json:"last_transition,omitempty"`
	Opened        *Transition `json:"opened,omitempty"` // the latest transition to open: why calls are turned away, or were
}

func (x *protection) breakerState(now time.Time) BreakerState {
	stats := x.breaker.Stats()
	b := BreakerState{
		Name: stats.Name, State: stats.State.String(), Mode: stats.Mode.String(), Why: why(stats, now),
		Failures: stats.Failures, FailuresToOpen: stats.FailuresToOpen,
		Calls: stats.Calls, CallsToJudge: stats.CallsToJudge, Failed: stats.Failed, FailureRateToOpen: stats.FailureRateToOpen,
		Slow: stats.Slow, Overdue: stats.Overdue, SlowRateToOpen: stats.SlowRateToOpen,
		ProbesPassed: stats.ProbesPassed, ProbesOut: stats.ProbesOut, ProbesToClose: stats.ProbesToClose, Reopened: stats.Reopened,
	}
	if stats.State == resilience.Open && !stats.Until.IsZero() {
		b.HalfOpenInMS = milliseconds(stats.Until.Sub(now))
	}
	b.Last, b.Opened = x.transitions.upTo(stats.Last)
	return b
}

// why says what the breaker waits for, in the words of its own rules.
func why(s resilience.Stats, now time.Time) string {
	switch {
	case s.Mode == resilience.ModeOpen || s.Mode == resilience.ModeClosed:
		return "held " + s.Mode.String() + " by hand"
	case s.State == resilience.Open:
		return fmt.Sprintf("turns calls away, probes in %v", s.Until.Sub(now).Round(100*time.Millisecond))
	case s.State == resilience.HalfOpen:
		return fmt.Sprintf("%d of %d probes succeeded, %d out", s.ProbesPassed, s.ProbesToClose, s.ProbesOut)
	}
	return closedWhy(s)
}

func closedWhy(s resilience.Stats) string {
	var rules []string
	if s.Mode == resilience.ModeObserve {
		rules = append(rules, "only observes")
	}
	if s.FailuresToOpen > 0 {
		rules = append(rules, strconv.Itoa(s.Failures)+" of "+strconv.Itoa(s.FailuresToOpen)+" failures in a row")
	}
	seen := s.Calls + s.Overdue
	if (s.FailureRateToOpen > 0 || s.SlowRateToOpen > 0) && seen < s.CallsToJudge {
		rules = append(rules, fmt.Sprintf("%d calls seen, %d needed before a rate counts", seen, s.CallsToJudge))
	}
	if s.FailureRateToOpen > 0 {
		rules = append(rules, fmt.Sprintf("%d of %d calls failed, opens at %.4g %%", s.Failed, s.Calls, 100*s.FailureRateToOpen))
	}
	if s.SlowRateToOpen > 0 {
		rules = append(rules, fmt.Sprintf("%d of %d calls slow, opens at %.4g %%", s.Slow+s.Overdue, seen, 100*s.SlowRateToOpen))
	}
	return strings.Join(rules, "; ")
}

// modes are what may be asked for by hand, as the path has them.
func modes() map[string]resilience.Mode {
	return map[string]resilience.Mode{
		"open": resilience.ModeOpen, "close": resilience.ModeClosed, "auto": resilience.ModeAutomatic, "observe": resilience.ModeObserve,
	}
}

// forceBreaker puts one engine's breaker under manual control, or back under its own.
func (s *Service) forceBreaker(c *gin.Context) {
	var bad problem.Fields
	x := s.protection(c.Param("engine"))
	if x == nil {
		bad = append(bad, problem.Field{Field: "engine", Value: c.Param("engine"), Allowed: engineHandRolled + " or " + engineGobreaker})
	}
	mode, ok := modes()[c.Param("mode")]
	if !ok {
		bad = append(bad, problem.Field{Field: "mode", Value: c.Param("mode"), Allowed: "open, close, auto or observe"})
	}
	if len(bad) > 0 {
		refuse(c, bad...)
		return
	}
	if err := x.breaker.Force(c.Request.Context(), mode); err != nil {
		problem.New(http.StatusInternalServerError, err.Error()).Write(c.Writer)
		return
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", x.breakerState(time.Now()))
}

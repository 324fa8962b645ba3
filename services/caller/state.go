package caller

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/problem"
	"reliability/pkg/resilience"
)

// State is caller's condition.
type State struct {
	Instance string                  `json:"instance"` // breakers live in one process: whose these are
	Upstream string                  `json:"upstream"`
	Policy   []string                `json:"policy"`   // outermost first
	Breakers map[string]BreakerState `json:"breakers"` // by engine
}

// BreakerState says why a breaker is in its state and what is missing to the next.
type BreakerState struct {
	Name           string      `json:"name"`
	State          string      `json:"state"`
	Failures       int         `json:"failures"` // in a row
	FailuresToOpen int         `json:"failures_to_open"`
	ProbesPassed   int         `json:"probes_passed"`
	ProbesOut      int         `json:"probes_out"`
	ProbesToClose  int         `json:"probes_to_close"`
	HalfOpenInMS   float64     `json:"half_open_in_ms,omitempty"` // while open
	Last           *Transition `json:"last_transition,omitempty"`
}

// A Transition is a breaker's change of state.
type Transition struct {
	From   string    `json:"from"`
	To     string    `json:"to"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Error  string    `json:"error,omitempty"` // the failure that opened it
}

func (s *Service) getState(c *gin.Context) {
	now := time.Now()
	state := State{
		Instance: s.cfg.Name, Upstream: s.upstream.url.Redacted(), Policy: s.policy(), Breakers: map[string]BreakerState{},
	}
	for _, p := range s.engines {
		state.Breakers[p.engine] = breakerState(p.breaker.Stats(), now)
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", state)
}

func breakerState(stats resilience.Stats, now time.Time) BreakerState {
	b := BreakerState{
		Name: stats.Name, State: stats.State.String(), Failures: stats.Failures, FailuresToOpen: stats.FailuresToOpen,
		ProbesPassed: stats.ProbesPassed, ProbesOut: stats.ProbesOut, ProbesToClose: stats.ProbesToClose,
	}
	if stats.State == resilience.Open {
		b.HalfOpenInMS = milliseconds(stats.Until.Sub(now))
	}
	if last := stats.Last; !last.At.IsZero() {
		b.Last = &Transition{From: last.From.String(), To: last.To.String(), At: last.At, Reason: last.Reason}
		if last.Err != nil {
			b.Last.Error = last.Err.Error()
		}
	}
	return b
}

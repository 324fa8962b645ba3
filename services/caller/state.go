package caller

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/gin-gonic/gin"

	"reliability/internal/problem"
)

// State is caller's condition at one moment.
type State struct {
	Instance string                 `json:"instance"` // breakers live in one process: whose these are
	Now      time.Time              `json:"now"`
	Since    time.Time              `json:"since"` // when it began to count
	Upstream string                 `json:"upstream"`
	Policy   PolicyState            `json:"policy"`
	Engines  map[string]EngineState `json:"engines"`
	Latency  Latency                `json:"latency"` // of the calls of all engines together
	Pods     []Pod                  `json:"pods"`    // who has answered
	Load     LoadState              `json:"load"`
	Front    FrontState             `json:"front"`
	Readers  int                    `json:"event_readers"`
}

// PolicyState says which policy is in force; /api/policy has it whole.
type PolicyState struct {
	Version     int      `json:"version"`
	Source      string   `json:"source"`
	Order       []string `json:"order"`
	Pipeline    string   `json:"pipeline"`
	Connections string   `json:"connections"`
}

// EngineState is all there is to know of one engine.
type EngineState struct {
	Breaker  BreakerState  `json:"breaker"`
	Budget   *BudgetState  `json:"budget,omitempty"` // if there is one
	Bulkhead BulkheadState `json:"bulkhead"`
	Counts
}

// BudgetState says how many retries the budget still allows.
type BudgetState struct {
	Tokens float64 `json:"tokens"`
	Burst  int     `json:"burst"`
}

// BulkheadState says how full a compartment is.
type BulkheadState struct {
	Running       int `json:"running"`
	Waiting       int `json:"waiting"`
	MaxConcurrent int `json:"max_concurrent"`
	MaxQueue      int `json:"max_queue"`
}

// state is of one policy: nobody changes it meanwhile.
func (s *Service) state() State {
	s.applying.Lock()
	defer s.applying.Unlock()
	now, v := time.Now(), s.inForce.Load()
	state := State{
		Instance: s.cfg.Name, Now: now, Since: s.since, Upstream: s.upstream.url.Redacted(),
		Policy: PolicyState{
			Version: v.number, Source: v.source, Order: v.policy.Order, Pipeline: s.policyAnswer(v).Explain.Pipeline,
			Connections: v.policy.Connections.Mode,
		},
		Engines: map[string]EngineState{}, Pods: s.pods.read(), Load: s.load.state(now), Front: s.front.state(), Readers: int(s.feed.watching.Load()),
	}
	all := newHistogram()
	for _, x := range s.protections {
		state.Engines[x.engine] = x.state(v.policy, now, all)
	}
	state.Latency = latencyOf(all)
	return state
}

func (x *protection) state(p Policy, now time.Time, all *hdr.Histogram) EngineState {
	b := x.bulkhead.Stats()
	e := EngineState{
		Breaker:  x.breakerState(now),
		Bulkhead: BulkheadState{Running: b.Running, Waiting: b.Waiting, MaxConcurrent: b.MaxConcurrent, MaxQueue: b.MaxQueue},
		Counts:   x.counts.read(now, all),
	}
	if p.Retry.Budget.On {
		e.Budget = &BudgetState{Tokens: x.budget.Tokens(), Burst: p.Retry.Budget.Burst}
	}
	return e
}

// Instances is the state of every caller: each has breakers of its own.
type Instances struct {
	Instances []Instance `json:"instances"`
}

// An Instance is one caller, or why nothing is known of it.
type Instance struct {
	Address string          `json:"address"`
	State   json.RawMessage `json:"state,omitempty"`
	Error   string          `json:"error,omitempty"`
}

func (s *Service) getState(c *gin.Context) {
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	all, asked := query["all"]
	delete(query, "all")
	switch {
	case err != nil, len(query) > 0:
		refuse(c, problem.Field{Field: "query", Value: shortened(c.Request.URL.RawQuery), Allowed: "all=1, or absent"})
	case !asked:
		problem.WriteJSON(c.Writer, http.StatusOK, "application/json", s.state())
	case len(all) != 1 || all[0] != "1":
		refuse(c, problem.Field{Field: "all", Value: all[0], Allowed: "1, or absent"})
	case s.peers == nil:
		refuse(c, problem.Field{Field: "all", Value: all[0], Allowed: "absent: " + EnvPrefix + "PEERS_URL is not set, so no other caller is known"})
	default:
		s.allStates(c)
	}
}

// allStates asks every caller pod, this one too: in the same way, so that what it says is
// what the others would see.
func (s *Service) allStates(c *gin.Context) {
	ctx := c.Request.Context()
	lookup, cancel := context.WithTimeout(ctx, replicaReadLimit)
	defer cancel()
	addresses, err := s.peers.addresses(lookup)
	if err != nil {
		problem.New(http.StatusBadGateway, "find the other callers: "+err.Error()).Write(c.Writer)
		return
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", Instances{atOnce(addresses, func(address string) Instance {
		status, answer, err := s.peers.ask(ctx, address, http.MethodGet, "api/state", nil, replicaReadLimit)
		i := Instance{Address: address}
		switch {
		case err != nil:
			i.Error = err.Error()
		case status != http.StatusOK || !json.Valid(answer):
			i.Error = fmt.Sprintf("answered %d", status)
		default:
			i.State = answer
		}
		return i
	})})
}

// maxProblems bounds an answer that names problems.
const maxProblems = 20

// refuse answers a request that has something wrong with it.
func refuse(c *gin.Context, all ...problem.Field) {
	shown := problem.Fields(all[:min(len(all), maxProblems)])
	detail := shown.Error()
	if n := len(all) - len(shown); n > 0 {
		detail += fmt.Sprintf("\nand %d more", n)
	}
	problem.New(http.StatusBadRequest, detail, shown...).Write(c.Writer)
}

// noQuery refuses parameters where there are none to choose from.
func noQuery(c *gin.Context) {
	if c.Request.URL.RawQuery != "" {
		refuse(c, problem.Field{Field: "query", Value: shortened(c.Request.URL.RawQuery), Allowed: "absent: this request has no parameters"})
		c.Abort()
	}
}

package caller

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/problem"
)

const (
	historyPeriod = time.Second
	maxMoments    = 120
)

// History is the last two minutes, for those who begin to watch only now.
type History struct {
	PeriodMS float64  `json:"period_ms"` // from one moment to the next
	Moments  []Moment `json:"moments"`   // the oldest first
	// Transitions are the latest of each engine, the oldest first.
	Transitions map[string][]*Transition `json:"transitions"`
}

// A Moment is what a [State] was, as far as it can be drawn over time.
type Moment struct {
	Now     time.Time               `json:"now"`
	Engines map[string]EngineMoment `json:"engines"`
	Latency Latency                 `json:"latency"`
	Pods    []Pod                   `json:"pods"`
	Load    LoadMoment              `json:"load"`
}

// A LoadMoment is what had become of the load.
type LoadMoment struct {
	Dropped uint64 `json:"dropped"`
}

// An EngineMoment is what an engine's breaker was, and what its calls had come to.
type EngineMoment struct {
	State string `json:"state"`
	Mode  string `json:"mode"`
	Counts
}

// history keeps the latest moments, none of which changes. It is safe for concurrent use.
type history struct {
	mu      sync.Mutex // protects moments
	moments []Moment   // the oldest first
}

func (h *history) add(m Moment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.moments) >= maxMoments {
		h.moments = slices.Delete(h.moments, 0, 1)
	}
	h.moments = append(h.moments, m)
}

func (h *history) read() []Moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.moments)
}

// remember adds a moment each second until ctx ends, whether or not somebody watches.
func (s *Service) remember(ctx context.Context) {
	ticker := time.NewTicker(historyPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.history.add(s.moment())
		}
	}
}

func (s *Service) moment() Moment {
	now := time.Now()
	m := Moment{Now: now, Engines: map[string]EngineMoment{}, Pods: s.pods.read(), Load: LoadMoment{s.load.state(now).Dropped}}
	all := newHistogram()
	for _, x := range s.protections {
		stats := x.breaker.Stats()
		m.Engines[x.engine] = EngineMoment{State: stats.State.String(), Mode: stats.Mode.String(), Counts: x.counts.read(now, all)}
	}
	m.Latency = latencyOf(all)
	return m
}

func (s *Service) getHistory(c *gin.Context) {
	h := History{PeriodMS: milliseconds(historyPeriod), Moments: s.history.read(), Transitions: map[string][]*Transition{}}
	for _, x := range s.protections {
		h.Transitions[x.engine] = x.transitions.read()
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", h)
}

package caller

import (
	"maps"
	"sync"
	"time"
)

// Counts is what calls through one engine came to since caller began. They only grow and
// are never reset: who watches takes the difference of two readings.
type Counts struct {
	Calls    uint64            `json:"calls"` // that ended
	Outcomes map[string]uint64 `json:"outcomes"`
	InFlight int               `json:"in_flight"`
	Attempts uint64            `json:"attempts"` // those turned away included
	Results  map[string]uint64 `json:"results"`  // of attempts
	Retries  uint64            `json:"retries"`  // attempts after the first
	Latency  Latency           `json:"latency"`  // of calls
}

// counts is safe for concurrent use.
type counts struct {
	mu        sync.Mutex // protects what follows
	sum       Counts
	latencies *latencies
}

func newCounts() *counts {
	return &counts{
		sum:       Counts{Outcomes: map[string]uint64{}, Results: map[string]uint64{}},
		latencies: newLatencies(time.Now()),
	}
}

func (c *counts) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.InFlight++
}

// abandon takes back a call that will not end.
func (c *counts) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.InFlight--
}

func (c *counts) end(a Answer, elapsed time.Duration) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.InFlight--
	c.sum.Calls++
	c.sum.Outcomes[a.Outcome]++
	for _, attempt := range a.Attempts {
		c.sum.Attempts++
		c.sum.Results[attempt.Result]++
		if attempt.Attempt > 1 {
			c.sum.Retries++
		}
	}
	c.latencies.add(elapsed, now)
}

func (c *counts) read(now time.Time) Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.sum
	sum.Outcomes, sum.Results = maps.Clone(sum.Outcomes), maps.Clone(sum.Results)
	sum.Latency = c.latencies.read(now)
	return sum
}

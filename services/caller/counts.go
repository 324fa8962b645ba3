package caller

import (
	"maps"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Counts is what calls through one engine came to since caller began. They only grow and
// are never reset: who watches takes the difference of two readings.
type Counts struct {
	Calls    uint64            `json:"calls"` // that ended
	Outcomes map[string]uint64 `json:"outcomes"`
	InFlight int               `json:"in_flight"`
	Attempts uint64            `json:"attempts"` // of calls that ended, those turned away included
	Sent     uint64            `json:"sent"`     // attempts that went out to the dependency, those under way included
	Results  map[string]uint64 `json:"results"`  // of attempts
	Retries  uint64            `json:"retries"`  // attempts after the first
	// Rejections is what was turned away here, by cause: attempts, and calls that were turned
	// away before there was one.
	Rejections map[string]uint64 `json:"rejections"`
	Latency    Latency           `json:"latency"` // of calls
}

// counts is safe for concurrent use.
type counts struct {
	mu        sync.Mutex // protects what follows
	sum       Counts
	latencies *latencies
}

func newCounts() *counts {
	return &counts{
		sum:       Counts{Outcomes: map[string]uint64{}, Results: map[string]uint64{}, Rejections: map[string]uint64{}},
		latencies: newLatencies(time.Now()),
	}
}

func (c *counts) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.InFlight++
}

// send is called as an attempt goes out: a call that never ends has its attempts, too.
func (c *counts) send() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Sent++
}

// abandon takes back a call that will not end.
func (c *counts) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.InFlight--
}

func (c *counts) end(a Answer, err error, elapsed time.Duration) {
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
		if attempt.Result == resultRejected {
			c.sum.Rejections[attempt.Cause]++
		}
	}
	if a.Outcome == outcomeRejected && len(a.Attempts) == 0 { // outside Retry
		c.sum.Rejections[cause(a.Outcome, err)]++
	}
	c.latencies.add(elapsed, now)
}

// read also adds the latencies to those of all engines.
func (c *counts) read(now time.Time, all *hdr.Histogram) Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.sum
	sum.Outcomes, sum.Results, sum.Rejections = maps.Clone(sum.Outcomes), maps.Clone(sum.Results), maps.Clone(sum.Rejections)
	sum.Latency = c.latencies.read(now, all)
	return sum
}

package flaky

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// An outcome is what became of a request, as its client met it.
type outcome string

const (
	outcomeOK        outcome = "ok"
	outcomeRefused   outcome = "refused"   // a status below 500 that no fault injected: the client's own mistake
	outcomeError     outcome = "error"     // injected by error_rate or fail_first
	outcomeOverload  outcome = "overload"  // the queue was full
	outcomeReset     outcome = "reset"     // by fault
	outcomeHang      outcome = "hang"      // by fault
	outcomeTruncate  outcome = "truncate"  // by fault
	outcomeAbandoned outcome = "abandoned" // the client went before it had the answer
	outcomeDeadline  outcome = "deadline"  // the client's X-Deadline-Ms passed before it had the answer
	outcomeShutdown  outcome = "shutdown"  // this replica's end came first
	outcomeCrash     outcome = "crash"     // by fault, where it is no process that ends
)

const (
	maxCallers  = 1000    // told apart; all others are one
	otherCaller = "other" // their name
	maxName     = 100     // bytes of a caller's name
)

// Stats is what a replica has seen since it began. Counts only grow and are never reset:
// who watches takes the difference of two readings.
type Stats struct {
	ServedBy string    `json:"served_by"`
	Since    time.Time `json:"since"`
	Now      time.Time `json:"now"`
	// Arrivals is how many requests came, Outcomes what became of those that are done.
	Arrivals uint64             `json:"arrivals"`
	Outcomes map[outcome]uint64 `json:"outcomes"`
	// Callers is the same for each caller, by X-Caller or else by its address.
	Callers map[string]CallerStats `json:"callers"`
	// InFlight is how many are not done, Busy how many of these hold a worker, Queue how
	// many wait for one. The integrals over time give exact means.
	InFlight        int     `json:"in_flight"`
	InFlightSeconds float64 `json:"in_flight_seconds"`
	Busy            int     `json:"busy"`
	Queue           int     `json:"queue"`
	QueueSeconds    float64 `json:"queue_seconds"`
	Recent          Recent  `json:"recent"`
}

// CallerStats is one caller's part.
type CallerStats struct {
	Arrivals uint64             `json:"arrivals"`
	Outcomes map[outcome]uint64 `json:"outcomes"`
}

// stats is safe for concurrent use.
type stats struct {
	mu       sync.Mutex // protects what follows
	since    time.Time
	total    CallerStats
	callers  map[string]*CallerStats
	inFlight gauge
	recent   arrivals
}

func newStats(now time.Time) *stats {
	return &stats{since: now, total: CallerStats{Outcomes: map[outcome]uint64{}}, callers: map[string]*CallerStats{}}
}

// arrive counts a request. The function it returns counts its outcome, and must be called
// once.
func (s *stats) arrive(caller string, now time.Time) func(outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.callers[caller]
	if who == nil {
		if len(s.callers) >= maxCallers {
			caller = otherCaller
		}
		if who = s.callers[caller]; who == nil {
			who = &CallerStats{Outcomes: map[outcome]uint64{}}
			s.callers[caller] = who
		}
	}
	s.total.Arrivals++
	who.Arrivals++
	s.recent.add(now)
	s.inFlight.set(s.inFlight.value+1, now)
	return func(o outcome) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total.Outcomes[o]++
		who.Outcomes[o]++
		s.inFlight.set(s.inFlight.value-1, time.Now())
	}
}

// read returns all counts and the arrivals of the last window.
func (s *stats) read(now time.Time, window time.Duration) Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	callers := make(map[string]CallerStats, len(s.callers))
	for name, c := range s.callers {
		callers[name] = CallerStats{Arrivals: c.Arrivals, Outcomes: maps.Clone(c.Outcomes)}
	}
	return Stats{
		Since: s.since, Now: now, Arrivals: s.total.Arrivals, Outcomes: maps.Clone(s.total.Outcomes), Callers: callers,
		InFlight: s.inFlight.value, InFlightSeconds: s.inFlight.seconds(now), Recent: s.recent.last(window, now),
	}
}

// callerOf names who sent a request: X-Caller, or the address for those who do not say.
func callerOf(r *http.Request) string {
	if name := r.Header.Get("X-Caller"); name != "" {
		return strings.Clone(strings.ToValidUTF8(name[:min(len(name), maxName)], "?")) // and not the whole header with it
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return cmp.Or(host, "unknown")
}

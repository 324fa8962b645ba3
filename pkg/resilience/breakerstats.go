package resilience

import "time"

// Counts is what a breaker has seen while closed.
type Counts struct {
	Failures int // in a row
	Calls    int // that ended and are in the window; neutral ones are in none
	Failed   int // of Calls
	Slow     int // of Calls, whatever their outcome
	Overdue  int // running now, for SlowAfter or longer; not in Calls
}

// Stats says why a breaker is in its state, and what is missing to the next one.
type Stats struct {
	Name  string
	State State
	Mode  Mode

	Counts                    // while closed
	FailuresToOpen    int     // threshold of Failures; 0: the rule is off
	FailureRateToOpen float64 // threshold of Failed / Calls; 0: off
	SlowRateToOpen    float64 // threshold of (Slow + Overdue) / (Calls + Overdue); 0: off
	CallsToJudge      int     // how many calls a rate needs

	ProbesPassed  int // this half-open period
	ProbesOut     int // running now
	ProbesToClose int // threshold of ProbesPassed

	// Until is when probing may begin, while open, and zero if it is held open by hand.
	// While observing it is until when the breaker would be open.
	Until    time.Time
	Reopened int        // how often it opened since it was last closed, the first time not counted
	Last     Transition // the last transition; zero if there was none
}

// StatsOf is for those who implement a [Breaker]: the thresholds of c, which must have
// its defaults filled in.
func StatsOf(c BreakerConfig) Stats {
	return Stats{
		Name: c.Name, FailuresToOpen: c.Failures, FailureRateToOpen: c.FailureRate, SlowRateToOpen: c.SlowRate,
		CallsToJudge: c.MinCalls, ProbesToClose: c.Probes,
	}
}

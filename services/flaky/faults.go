package flaky

import (
	"time"

	"reliability/internal/document"
)

// Bounds of a fault document.
const (
	defaultErrorStatus = 503
	maxWait            = 5 * time.Minute // of anything that a request waits for
	maxPhase           = 24 * time.Hour
	maxPhases          = 100
	maxSeed            = 1<<53 - 1 // what every JSON reader can hold exactly
	defaultCrashAfter  = 100 * time.Millisecond
	defaultBackAfter   = 5 * time.Second
)

// A Document says what is wrong with this replica, now and by schedule. The zero value is
// a healthy one.
type Document struct {
	// Faults are in force outside the schedule: without one always, after one when it has
	// run once.
	Faults
	// Schedule is phases, one after the other from the moment the document is put in force.
	// In a phase its own faults are in force and no others.
	Schedule []Phase `json:"schedule,omitempty"`
	// Loop begins the schedule again when it has ended.
	Loop bool `json:"loop,omitempty"`
	// Seed makes the decisions: the same seed and the same request, the same faults. Left
	// out, it is drawn anew whenever the document is put in force.
	Seed uint64 `json:"seed,omitempty"`
}

// A Phase is a part of a schedule.
type Phase struct {
	For document.Duration `json:"for"` // how long it lasts, 1ms to 24h
	Faults
}

// Faults is what goes wrong. A request meets them in this order: latency; then the first
// that is decided of reset, hang, fail_first and error; capacity; the work; truncate and
// drip, on whatever answer there is. Each is decided by a draw of its own, so that
// switching one on does not change whom another one meets.
type Faults struct {
	// Only limits the faults to one route, "work" or "charges"; "" is both. The probes' faults,
	// unready and crash, are the replica's all the same.
	Only string `json:"only,omitempty"`
	// ErrorRate is the share of requests that are answered with ErrorStatus, 0 to 1.
	ErrorRate float64 `json:"error_rate,omitempty"`
	// ErrorStatus is 400 to 599; 503 if the document does not say.
	ErrorStatus int `json:"error_status,omitempty"`
	// RetryAfter goes with every injected error and every overload: whole seconds. 0: none.
	RetryAfter document.Duration `json:"retry_after,omitempty"`
	// Latency comes before anything else, whatever the answer is.
	Latency *Latency `json:"latency,omitempty"`
	// Hang keeps the client waiting without an answer.
	Hang *Hang `json:"hang,omitempty"`
	// Reset ends the connection with a TCP reset.
	Reset *Reset `json:"reset,omitempty"`
	// FailFirst answers the first requests with ErrorStatus.
	FailFirst *FailFirst `json:"fail_first,omitempty"`
	// AfterWork lets reset, hang, fail_first and error come when the work is done: a charge
	// is recorded, and its answer lost.
	AfterWork bool `json:"after_work,omitempty"`
	// Capacity bounds what can be worked on at once.
	Capacity *Capacity `json:"capacity,omitempty"`
	// Truncate breaks an answer off after half of the body that its Content-Length promises.
	Truncate *Truncate `json:"truncate,omitempty"`
	// Drip sends an answer's body byte by byte.
	Drip *Drip `json:"drip,omitempty"`
	// Unready lets /readyz say no. Requests are served all the same.
	Unready bool `json:"unready,omitempty"`
	// Crash ends the process.
	Crash *Crash `json:"crash,omitempty"`
}

// Latency is how long some requests wait before anything happens to them.
type Latency struct {
	Distribution
	Rate float64 `json:"rate"` // share of requests, 0 to 1; 1 if the document does not say
}

// A Hang ends with its client; or at its cap, by closing the connection without an answer;
// or with 503 when the server stops.
type Hang struct {
	Rate float64           `json:"rate"` // share of requests, 0 to 1
	Cap  document.Duration `json:"cap"`  // how long it lasts at most; up to 5m, and that if the document does not say
}

// A Reset is a real one: the client sees ECONNRESET.
type Reset struct {
	Rate float64 `json:"rate"` // share of requests, 0 to 1
	// At is "start", before any answer, or "body", after the header and half of the body,
	// which is always after the work.
	At string `json:"at"`
}

// A FailFirst fails the first Count requests of all ("replica", counted from when the
// document or its phase began), of each call ("call", by X-Call-Id), or of each
// Idempotency-Key ("key"). Of a call whose client says which attempt it is (X-Attempt) the
// first attempts are meant, wherever they went.
type FailFirst struct {
	Count int    `json:"count"` // how many fail
	Per   string `json:"per"`   // of what; "replica" if the document does not say
}

// A Truncate lets the client see an unexpected end.
type Truncate struct {
	Rate float64 `json:"rate"` // share of answers, 0 to 1
}

// A Drip spreads the body over a time.
type Drip struct {
	Rate float64           `json:"rate"` // share of answers, 0 to 1
	Over document.Duration `json:"over"` // how long the whole body takes
}

// A Crash comes some time after the document or its phase has begun, with an exit code.
// Where there is no process to end, in the lab, the listener is closed with all its
// connections, and comes back after BackAfter or with the next document or phase.
type Crash struct {
	After     document.Duration `json:"after"`      // since the document or its phase began; 100ms if the document does not say
	ExitCode  int               `json:"exit_code"`  // of the process; 1 if the document does not say
	BackAfter document.Duration `json:"back_after"` // how long the listener stays closed; 5s if the document does not say
}

// Healthy reports whether the document injects nothing, from some time on after it was put
// in force.
func (d *Document) Healthy(elapsed time.Duration) bool {
	if !d.healthy() {
		return false
	}
	var ends time.Duration
	for _, phase := range d.Schedule {
		if ends += time.Duration(phase.For); (d.Loop || elapsed < ends) && !phase.healthy() {
			return false
		}
	}
	return true
}

func (f Faults) healthy() bool {
	return f.ErrorRate == 0 && (f.Latency == nil || f.Latency.none()) && f.FailFirst == nil &&
		(f.Hang == nil || f.Hang.Rate == 0) && (f.Reset == nil || f.Reset.Rate == 0) &&
		(f.Truncate == nil || f.Truncate.Rate == 0) && (f.Drip == nil || f.Drip.Rate == 0) &&
		f.Capacity == nil && !f.Unready && f.Crash == nil
}

// none reports whether it adds nothing.
func (l Latency) none() bool {
	return l.Rate == 0 || l.Kind == "fixed" && *l.Value == 0
}

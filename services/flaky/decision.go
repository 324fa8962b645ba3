package flaky

import (
	"time"

	"reliability/internal/draw"
)

// What can happen to a request: the names of faults in spans, and of outcomes.
const (
	faultLatency   = "latency"
	faultReset     = "reset"
	faultHang      = "hang"
	faultFailFirst = "fail_first"
	faultError     = "error"
	faultOverload  = "overload"
	faultTruncate  = "truncate"
	faultDrip      = "drip"
	faultCrash     = "crash"
)

// Routes that meet faults.
const (
	routeWork    = "work"
	routeCharges = "charges"
)

// Where a reset happens.
const (
	atStart = "start"
	atBody  = "body"
)

// A request is what tells one request from all others.
type request struct {
	route   string // work or charges
	call    string // X-Call-Id: which call; "" if the client does not say
	attempt string // X-Attempt: which attempt at it
	key     string // Idempotency-Key
	arrival uint64 // how many came before, since the document is in force
}

// A decision is what happens to one request.
type decision struct {
	*Faults
	latency  time.Duration
	ending   string  // the fault that takes the place of the answer; "" is none
	served   float64 // what its time in a worker is drawn by, where the capacity is bounded
	truncate bool
	drip     bool
}

// waits reports whether the request is to take time on purpose.
func (d decision) waits() bool {
	return d.latency > 0 || d.ending == faultHang || d.Capacity != nil || d.drip
}

// decide is a function of the seed, the request and, for fail_first, of what came before
// it. So a run can be repeated: a call that says who it is meets the same faults however
// the goroutines interleave.
func (e *episode) decide(seed uint64, r request) decision {
	f := e.faults
	if f.Only != "" && f.Only != r.route {
		f = &Faults{}
	}
	hit := func(fault string, rate float64) bool { return rate > 0 && r.draw(seed, fault) < rate }
	d := decision{Faults: f}
	if f.Latency != nil && hit(faultLatency, f.Latency.Rate) {
		d.latency = f.Latency.at(r.draw(seed, "latency duration"))
	}
	early := f.FailFirst != nil && e.failing.hits(*f.FailFirst, r) // counted whatever else it meets
	switch {
	case f.Reset != nil && hit(faultReset, f.Reset.Rate):
		d.ending = faultReset
	case f.Hang != nil && hit(faultHang, f.Hang.Rate):
		d.ending = faultHang
	case early:
		d.ending = faultFailFirst
	case hit(faultError, f.ErrorRate):
		d.ending = faultError
	}
	if f.Capacity != nil {
		d.served = r.draw(seed, "service time")
	}
	d.truncate = f.Truncate != nil && hit(faultTruncate, f.Truncate.Rate)
	d.drip = f.Drip != nil && hit(faultDrip, f.Drip.Rate)
	return d
}

// draw returns a number between 0 and 1, neither included, for one question about one
// request.
func (r request) draw(seed uint64, question string) float64 {
	if r.call != "" {
		return draw.ByName(seed, question, r.call, r.attempt)
	}
	return draw.ByNumber(seed, question, r.arrival)
}

package flaky

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
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

// Where a reset happens.
const (
	atStart = "start"
	atBody  = "body"
)

// A request is what tells one request from all others.
type request struct {
	call    string // X-Call-Id: which call; "" if the client does not say
	attempt string // X-Attempt: which attempt at it
	key     string // Idempotency-Key
	arrival uint64 // how many came before, since the document is in force
}

// A decision is what happens to one request.
type decision struct {
	*Faults
	latency  time.Duration
	ending   string        // the fault that takes the place of the answer; "" is none
	service  time.Duration // time in a worker, where the capacity is bounded
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
		d.service = f.Capacity.ServiceTime.at(r.draw(seed, "service time"))
	}
	d.truncate = f.Truncate != nil && hit(faultTruncate, f.Truncate.Rate)
	d.drip = f.Drip != nil && hit(faultDrip, f.Drip.Rate)
	return d
}

// draw returns a number between 0 and 1, neither included, for one question about one
// request. It is a hash: no generator whose state the order of the requests could change,
// and no two questions or requests whose answers hang together.
func (r request) draw(seed uint64, question string) float64 {
	b := make([]byte, 0, 128)
	b = binary.BigEndian.AppendUint64(b, seed)
	b = append(b, question...)
	b = append(b, 0)
	if r.call != "" {
		b = append(b, r.call...)
		b = append(b, 0)
		b = append(b, r.attempt...)
	} else {
		b = binary.BigEndian.AppendUint64(append(b, 0), r.arrival) // no call begins with 0
	}
	sum := sha256.Sum256(b)
	return (float64(binary.BigEndian.Uint64(sum[:])>>12) + 0.5) / (1 << 52)
}

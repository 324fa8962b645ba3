package flaky

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Faults is a fault document: what is wrong with this replica. The zero value is a
// healthy one.
type Faults struct {
	// ErrorRate is the share of requests that are answered with ErrorStatus, 0 to 1.
	ErrorRate float64 `json:"error_rate"`
	// ErrorStatus is 400 to 599; 503 if the document does not say.
	ErrorStatus int `json:"error_status,omitempty"`
	// Latency comes before the answer, whatever that is.
	Latency *Latency `json:"latency,omitempty"`
	// Seed makes the decisions: the same seed and the same request, the same fault. Left
	// out, it is drawn anew whenever the document is put in force.
	Seed uint64 `json:"seed,omitempty"`
}

// Latency is how long a request takes.
type Latency struct {
	Distribution string   `json:"distribution"` // "fixed"
	Value        Duration `json:"value"`        // of "fixed"
}

// healthy reports whether the document injects nothing.
func (f Faults) healthy() bool { return f.ErrorRate == 0 && (f.Latency == nil || f.Latency.Value == 0) }

// A request is what tells one request from all others.
type request struct {
	call    string // X-Call-Id: which call; "" if the client does not say
	attempt string // X-Attempt: which attempt at it
	arrival uint64 // how many came before
}

// A decision is what happens to one request.
type decision struct {
	delay  time.Duration
	status int // 0: no error is injected
}

// decide is a function of the seed and the request alone, so that a run can be repeated:
// a call that says who it is meets the same faults however the goroutines interleave.
func (f Faults) decide(r request) decision {
	h := fnv.New64a()
	if r.call != "" {
		_, _ = h.Write([]byte(r.call + "\x00" + r.attempt))
	} else {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, r.arrival))
	}
	draw := rand.New(rand.NewPCG(f.Seed, h.Sum64()))
	var d decision
	// Each fault has its own draw, in this order, also when it is off: switching one on
	// does not change whom another one meets.
	if draw.Float64() < f.ErrorRate {
		d.status = f.ErrorStatus
	}
	if f.Latency != nil {
		d.delay = time.Duration(f.Latency.Value)
	}
	return d
}

package caller

import (
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The window that quantiles are of, and its resolution.
const (
	latencySlots = 10
	latencySlot  = time.Second
	leastLatency = time.Microsecond
	mostLatency  = time.Hour
	significant  = 2 // digits
)

// Latency is how long calls of the last ten seconds took.
type Latency struct {
	Calls  int64   `json:"calls"`
	P50MS  float64 `json:"p50_ms"`
	P90MS  float64 `json:"p90_ms"`
	P99MS  float64 `json:"p99_ms"`
	P999MS float64 `json:"p999_ms"`
	MaxMS  float64 `json:"max_ms"`
}

// latencies is a histogram of the last ten seconds, in slots of one. It is not safe for
// concurrent use.
type latencies struct {
	slots *hdr.WindowedHistogram
	slot  time.Time // when the current one began
}

func newLatencies(now time.Time) *latencies {
	return &latencies{hdr.NewWindowed(latencySlots, leastLatency.Microseconds(), mostLatency.Microseconds(), significant), now}
}

// turn makes the current slot that of now.
func (l *latencies) turn(now time.Time) {
	behind := int(now.Sub(l.slot) / latencySlot)
	if behind <= 0 {
		return
	}
	for range min(behind, latencySlots) {
		l.slots.Rotate()
	}
	l.slot = l.slot.Add(time.Duration(behind) * latencySlot)
}

func (l *latencies) add(d time.Duration, now time.Time) {
	l.turn(now)
	_ = l.slots.Current.RecordValue(min(max(d, leastLatency), mostLatency).Microseconds()) // its bounds are kept
}

// read also adds the window to all, unless that is nil: quantiles of several cannot be made
// from the quantiles of each.
func (l *latencies) read(now time.Time, all *hdr.Histogram) Latency {
	l.turn(now)
	h := l.slots.Merge() // which is the window's own
	if all != nil {
		all.Merge(h) // drops nothing: they have the same bounds
	}
	return latencyOf(h)
}

// newHistogram returns one with the bounds of all of them.
func newHistogram() *hdr.Histogram {
	return hdr.New(leastLatency.Microseconds(), mostLatency.Microseconds(), significant)
}

func latencyOf(h *hdr.Histogram) Latency {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1000 }
	if h.TotalCount() == 0 {
		return Latency{}
	}
	return Latency{
		Calls: h.TotalCount(), P50MS: at(50), P90MS: at(90), P99MS: at(99), P999MS: at(99.9), MaxMS: float64(h.Max()) / 1000,
	}
}

package main

import (
	"slices"

	"reliability/bench/internal/process"
	"reliability/bench/internal/statistics"
)

// A heap is how the memory of caller's live objects went in one round.
type heap struct {
	First, Second float64 // medians of the halves, in bytes
	Most          float64 // in the first half
}

// slack is by how much the second half's median may exceed all of the first half's heaps,
// in bytes. What leaks a hundred bytes a call leaks more than this from half to half.
const slack = 512 << 10

// heapOf leaves out the first quarter, in which the calls under way and what is kept of
// those that ended get to be as many as they are. Of the rest, the halves are compared. If
// nothing grows the median of the later half is beyond all of the earlier half by chance
// once in some hundreds of rounds, even without the slack.
func heapOf(samples []process.Stats) heap {
	sizes := make([]float64, 0, len(samples))
	for _, s := range samples[len(samples)/4:] {
		sizes = append(sizes, float64(s.Heap))
	}
	half := len(sizes) / 2
	if half == 0 {
		return heap{}
	}
	return heap{
		First: statistics.Median(sizes[:half]), Second: statistics.Median(sizes[half:]),
		Most: slices.Max(sizes[:half]),
	}
}

// flat reports whether the heap does not grow.
func (h heap) flat() bool { return h.Second > 0 && h.Second <= h.Most+slack }

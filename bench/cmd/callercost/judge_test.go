package main

import (
	"math/rand/v2"
	"testing"

	"reliability/bench/internal/process"
)

func heaps(of func(i int) uint64, n int) []process.Stats {
	return slicesOf(n, func(i int) process.Stats { return process.Stats{Heap: of(i)} })
}

func TestHeapOf(t *testing.T) {
	// The first quarter does not count. The halves of the rest are 5, 4, 3 and 2, 1, 6.
	sizes := []uint64{90, 0, 5, 4, 3, 2, 1, 6}
	if got, want := heapOf(heaps(func(i int) uint64 { return sizes[i] }, 8)), (heap{First: 4, Second: 2, Most: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for n := range 2 {
		if heapOf(heaps(func(int) uint64 { return 7 }, n)).flat() {
			t.Errorf("of %d samples nothing can be said", n)
		}
	}
}

// TestFlat: what leaks is seen in a noise ten times as large as what leaks from sample to
// sample, and noise alone is not taken for it.
func TestFlat(t *testing.T) {
	const noise = 5 << 20
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		still := heapOf(heaps(func(int) uint64 { return 20<<20 + random.Uint64N(noise) }, 60))
		if !still.flat() {
			t.Errorf("seed %d: noise is taken for growth: %+v", seed, still)
		}
		leak := heapOf(heaps(func(i int) uint64 { return 20<<20 + random.Uint64N(noise) + uint64(i)*noise/10 }, 60))
		if leak.flat() {
			t.Errorf("seed %d: growth is taken for noise: %+v", seed, leak)
		}
	}
}

func TestFlatAtTheLimit(t *testing.T) {
	for _, c := range []struct {
		h    heap
		want bool
	}{
		{heap{First: 1 << 20, Most: 2 << 20, Second: 2<<20 + slack}, true},
		{heap{First: 1 << 20, Most: 2 << 20, Second: 2<<20 + slack + 1}, false},
		{heap{}, false},
	} {
		if c.h.flat() != c.want {
			t.Errorf("%+v: %v", c.h, !c.want)
		}
	}
}

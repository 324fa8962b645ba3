package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reliability/bench/internal/process"
	"reliability/bench/internal/statistics"
)

func TestLatencies(t *testing.T) {
	ms := func(all ...int) (d latencies) {
		for _, n := range all {
			d = append(d, time.Duration(n)*time.Millisecond)
		}
		return d
	}
	var w watched
	w.latencies([]statistics.Pair[latencies]{
		{One: [2]latencies{ms(1, 2), ms(3)}, Other: [2]latencies{ms(4), ms(9, 2)}}, // medians 2 and 4, p99 3 and 9
		{One: [2]latencies{ms(1), ms(1, 1)}, Other: [2]latencies{ms(2), ms(2, 3)}}, // medians 1 and 2, p99 1 and 3
	})
	want := watched{
		Alone:  statistics.Quantiles{Median: time.Millisecond, P99: 3 * time.Millisecond, Max: 3 * time.Millisecond},
		Read:   statistics.Quantiles{Median: 2 * time.Millisecond, P99: 9 * time.Millisecond, Max: 9 * time.Millisecond},
		Median: statistics.Estimate{Mean: 2, Median: 2, Low: 2, From: 2, To: 2},
		P99:    statistics.Estimate{Mean: 3, Median: 3, Low: 3, From: 3, To: 3},
	}
	if diff := cmp.Diff(want, w, cmp.AllowUnexported(watched{}), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFootprint(t *testing.T) {
	f := footprint{
		Readers: 10, Before: process.Stats{Heap: 1 << 20, Stacks: 2 << 20}, During: process.Stats{Heap: 3 << 20, Stacks: 5 << 20},
		After: process.Stats{Heap: 1<<20 + 5<<10, Stacks: 9 << 20},
	}
	if f.cost() != 512 || f.kept() != 0.5 {
		t.Errorf("a reader costs %v KiB and leaves %v, want 512 and 0.5", f.cost(), f.kept())
	}
}

// TestReaders: half of them read on, and a server that writes to the others is stalled.
func TestReaders(t *testing.T) {
	const n, limit = 10, 256 << 10
	var stalled atomic.Int64
	end := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/api/events" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		conn := http.NewResponseController(w)
		text := "event: snapshot\ndata: " + strings.Repeat("x", 5000) + "\n\n" // longer than what a reader reads at a time
		for range limit / len(text) {
			_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := io.WriteString(w, text); err != nil || conn.Flush() != nil {
				stalled.Add(1)
				break
			}
		}
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	r := &readers{addr: server.Listener.Addr().String()}
	defer r.close()
	if err := r.connect(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if len(r.open) != n {
		t.Errorf("%d are open", len(r.open))
	}
	const all = n / 2 * (limit / 5024)
	for deadline := time.Now().Add(10 * time.Second); r.events.Load() < all || stalled.Load() < n/2; {
		if time.Now().After(deadline) {
			t.Fatalf("%d events, want %d; writing to %d readers is stalled, want %d", r.events.Load(), all, stalled.Load(), n/2)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if r.events.Load() != all || r.lost.Load() != 0 || stalled.Load() != n/2 {
		t.Errorf("%d events, want %d; %d lost; %d stalled", r.events.Load(), all, r.lost.Load(), stalled.Load())
	}
	close(end)
	r.ended.Wait()
	if r.lost.Load() != n/2 {
		t.Errorf("the server ended %d streams that were read, and %d were noticed", n/2, r.lost.Load())
	}
	r.close()
	if len(r.open) != 0 {
		t.Errorf("%d stay open", len(r.open))
	}
}

// TestRefusedReaders: an answer that is no stream of events is an error with its name.
func TestRefusedReaders(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	r := &readers{addr: server.Listener.Addr().String()}
	defer r.close()
	if err := r.connect(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "reader 1 of 1: answered 404 Not Found") {
		t.Error(err)
	}
}

// TestWatch: readers are there in the slices that are theirs, and are gone afterwards.
func TestWatch(t *testing.T) {
	r := &report{options: options{Pairs: 2, Readers: 20, Rate: 100, Watch: 100 * time.Millisecond}}
	if err := r.watch(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	w := r.Watched
	if w.During.Files < w.Before.Files+20 || w.During.Goroutines < w.Before.Goroutines+20 || w.After.Goroutines > mostGoroutines(w.Before.Goroutines) {
		t.Errorf("before %+v, during %+v, after %+v", w.Before, w.During, w.After)
	}
	if w.Alone.Median <= 0 || w.Read.P99 < w.Read.Median || w.Events < 1 || w.Lost != 0 {
		t.Errorf("%+v", w)
	}
}

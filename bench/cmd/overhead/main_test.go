package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"reliability/bench/internal/command"
	"reliability/bench/internal/commandtest"
	"reliability/bench/internal/golden"
	"reliability/bench/internal/markdown"
	"reliability/bench/internal/process"
	"reliability/bench/internal/statistics"
)

var overhead = commandtest.Command(run)

// TestMain is the server's process too, where one is started.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == process.Arg {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestSmoke measures for real, too shortly for the figures to mean anything.
func TestSmoke(t *testing.T) {
	overhead.Measures(t, "-pairs 10 -slice 5ms -clients 2 -hanging 50", "cd bench && go run ./cmd/overhead -pairs 10", "| 50 requests hang |", "| during ")
}

// TestHang: what is measured is measured while all requests hang, and none is left.
func TestHang(t *testing.T) {
	r := &report{options: options{Hanging: 50}}
	if err := r.hang(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	if r.Before.Hanging != 0 || r.During.Hanging != 50 || r.After.Hanging != 0 {
		t.Errorf("hanging: %d before, %d during, %d after", r.Before.Hanging, r.During.Hanging, r.After.Hanging)
	}
	if r.During.Goroutines < r.Before.Goroutines+50 {
		t.Errorf("%d goroutines before and %d during: these are not the server's", r.Before.Goroutines, r.During.Goroutines)
	}
	if r.Idle.Median <= 0 || r.Control.Median <= 0 || r.Before.Heap == 0 || r.Before.Stacks == 0 {
		t.Errorf("not measured: %+v", r)
	}
}

// TestPageNotWritable: it could not do what it was asked for.
func TestPageNotWritable(t *testing.T) {
	_, stderr, code := overhead.Run("-pairs", "10", "-slice", "1ms", "-clients", "1", "-hanging", "1", t.TempDir())
	if code != 2 || !strings.Contains(stderr, "is a directory") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// TestBadOptions: each is refused with its name, its value, and what is allowed.
func TestBadOptions(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-pairs 9", `invalid value "9" for flag -pairs: must be a whole number from 10 to 1000`},
		{"-pairs 1001", `invalid value "1001" for flag -pairs: must be a whole number from 10 to 1000`},
		{"-pairs ten", `invalid value "ten" for flag -pairs: must be a whole number from 10 to 1000`},
		{"-slice 31s", `invalid value "31s" for flag -slice: must be a duration from 1ms to 30s`},
		{"-slice 5", `invalid value "5" for flag -slice: must be a duration from 1ms to 30s`},
		{"-clients 0", `invalid value "0" for flag -clients: must be a whole number from 1 to 256`},
		{"-hanging 20001", `invalid value "20001" for flag -hanging: must be a whole number from 1 to 20000`},
		{"-slices 1s", "flag provided but not defined: -slices"},
		{"-serve -pairs 10", "flag provided but not defined: -serve"},
		{"page.md -pairs 10", `FILE is ["page.md" "-pairs" "10"]: must be one name, after all flags`},
	} {
		overhead.Refuses(t, c.args, c.want, "usage: go run ./cmd/overhead ")
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		want options
	}{
		{"", options{12, time.Second, 8, 10000, ""}},
		{"-pairs 10 -slice 5ms -clients 256 -hanging 1 page.md", options{10, 5 * time.Millisecond, 256, 1, "page.md"}},
	} {
		got, err := parse(strings.Fields(c.args), os.Stderr)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v", c.args, got, err)
		}
		again, err := parse(strings.Fields(strings.TrimPrefix(got.command(), "go run ./cmd/overhead ")+" "+got.file), os.Stderr)
		if err != nil || again != got {
			t.Errorf("%q is %s, which is %+v, %v", c.args, got.command(), again, err)
		}
	}
	if _, stderr, code := overhead.Run("-h"); code != 0 || !strings.HasPrefix(stderr, "usage: ") {
		t.Errorf("-h: exit code %d, %q", code, stderr)
	}
}

// TestPage: what a report says, and which of them miss a requirement.
func TestPage(t *testing.T) {
	r := report{
		options: options{12, time.Second, 8, 10000, "../docs/flaky.md"},
		Setting: command.Setting{Date: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Cores: 4, Procs: 2, OS: "linux", Arch: "amd64", Go: "go1.26.0"},
		Throughput: statistics.Comparison{
			One: []float64{9000, 9100, 9050}, Other: []float64{10000, 9900, 10100}, Ratio: statistics.Estimate{Mean: 0.9, Low: leastRatio},
		},
		Idle:    statistics.Quantiles{Median: 100 * time.Microsecond, P99: 200 * time.Microsecond, Max: time.Millisecond},
		Control: statistics.Quantiles{Median: 150 * time.Microsecond, P99: 2 * time.Millisecond, Max: mostControl - 1},
		Before:  statsOf(0, 20, 3<<20, 1<<19), During: statsOf(10000, 20020, 300<<20, 160<<20), After: statsOf(0, 72, 4<<20, 1<<20),
		Back: 1234 * time.Millisecond,
	}
	page, err := r.Page()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "page.md", string(page))
	if !r.Met() {
		t.Errorf("at every limit it should be met:\n%s", r.Text())
	}
	for what, change := range map[string]func(*report){
		"throughput":      func(r *report) { r.Throughput.Ratio.Low -= 0.001 },
		"control API":     func(r *report) { r.Control.Max++ },
		"goroutines":      func(r *report) { r.After.Goroutines++ },
		"hanging forever": func(r *report) { r.After.Hanging++ },
	} {
		missed := r
		if change(&missed); missed.Met() || strings.Count(missed.Text(), markdown.Miss) != 1 {
			t.Errorf("%s: no miss in\n%s", what, missed.Text())
		}
	}
}

func statsOf(hanging int64, goroutines int, heap, stacks uint64) stats {
	return stats{process.Stats{Goroutines: goroutines, Heap: heap, Stacks: stacks}, hanging}
}

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

var callercost = commandtest.Command(run)

// TestMain is each child process too, where one is started.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == process.Arg {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestSmoke measures for real, too shortly for the figures to mean anything.
func TestSmoke(t *testing.T) {
	callercost.Measures(t, "-pairs 10 -slice 2ms -clients 2 -readers 10 -rate 200 -watch 30ms -soak 400ms -soak-rate 50",
		"cd bench && go run ./cmd/callercost -pairs 10", "| with 10 readers ", "| pooled ", "| dead ")
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		want options
	}{
		{"", defaults()},
		{
			"-pairs 10 -slice 5ms -clients 256 -readers 2 -rate 1 -watch 10ms -soak 4s -soak-rate 5000 page.md",
			options{10, 5 * time.Millisecond, 256, 2, 1, 10 * time.Millisecond, 4 * time.Second, 5000, "page.md"},
		},
	} {
		got, err := parse(strings.Fields(c.args), os.Stderr)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v", c.args, got, err)
		}
		again, err := parse(strings.Fields(got.flags()+" "+got.file), os.Stderr)
		if err != nil || again != got {
			t.Errorf("%q is %s, which is %+v, %v", c.args, got.flags(), again, err)
		}
	}
}

// TestBadOptions: each is refused with its name, its value, and what is allowed.
func TestBadOptions(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-pairs 9", `invalid value "9" for flag -pairs: must be a whole number from 10 to 1000`},
		{"-readers 1", `invalid value "1" for flag -readers: must be a whole number from 2 to 2000`},
		{"-rate 0", `invalid value "0" for flag -rate: must be a whole number from 1 to 10000`},
		{"-watch 1ms", `invalid value "1ms" for flag -watch: must be a duration from 10ms to 30s`},
		{"-soak 2h", `invalid value "2h" for flag -soak: must be a duration from 400ms to 1h0m0s`},
		{"-soak-rate 5001", `invalid value "5001" for flag -soak-rate: must be a whole number from 1 to 5000`},
		{"-serve", "flag provided but not defined: -serve"},
	} {
		callercost.Refuses(t, c.args, c.want, "usage: go run ./cmd/callercost -pairs 12 ")
	}
}

// TestNoSuchChild: nobody is asked to be what there is not.
func TestNoSuchChild(t *testing.T) {
	_, stderr, code := callercost.Run(process.Arg, "gambler", "all in")
	if code != 2 || !strings.Contains(stderr, `no child process is "gambler" of ["all in"]`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// some is a report of which every figure is at its limit.
func some() *report {
	at := func(goroutines, files int, heap, stacks uint64) process.Stats {
		return process.Stats{Goroutines: goroutines, Files: files, Heap: heap << 10, Stacks: stacks << 10}
	}
	steady := slicesOf(12, func(i int) process.Stats { return at(100+i, 50+i, 8<<10+uint64(i%4)<<7, 1<<10) })
	return &report{
		options: options{12, time.Second, 8, 1000, 200, 2 * time.Second, time.Minute, 500, "../docs/caller.md"},
		Setting: command.Setting{Date: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Cores: 4, Procs: 2, OS: "linux", Arch: "amd64", Go: "go1.26.0"},
		Throughput: []throughput{
			{modes()[0], statistics.Comparison{
				One: []float64{9000, 9100, 9050}, Other: []float64{10000, 9900, 10100}, Ratio: statistics.Estimate{Mean: 0.95, Median: 0.94, Low: leastPooled},
			}},
			{modes()[1], statistics.Comparison{
				One: []float64{5000, 5100, 5050}, Other: []float64{5200, 5300, 5250}, Ratio: statistics.Estimate{Mean: 0.96, Median: 0.97, Low: 0.91},
			}},
		},
		Watched: watched{
			Alone:  statistics.Quantiles{Median: 500 * time.Microsecond, P99: 2 * time.Millisecond, Max: 7 * time.Millisecond},
			Read:   statistics.Quantiles{Median: 550 * time.Microsecond, P99: 3 * time.Millisecond, Max: 20 * time.Millisecond},
			Median: statistics.Estimate{Mean: 1.1, From: 0.97, To: mostSlower}, P99: statistics.Estimate{Mean: 1.5, From: mostSlower, To: 1.8},
			Events: 380.4,
			footprint: footprint{
				Readers: 1000, Before: at(20, 30, 3<<10, 1<<9), During: at(2020, 1030, 3<<10+40000, 1<<9+24000), After: at(30, 31, 3<<10+4000, 1<<9),
			},
		},
		Soaked: soaked{
			Baseline: at(20, 25, 6<<10, 1<<10),
			Rounds: []round{
				{"hanging", "full chain", map[string]int{"timeout": 100, "rejected": 14900}, 0, steady, at(30, 30, 7<<10, 1<<10), time.Second},
				{"dead", "retry, timeout", map[string]int{"failure": 15000}, 0, steady, at(20, 25, 6<<10, 1<<10), 1234 * time.Millisecond},
			},
		},
	}
}

func slicesOf[T any](n int, of func(int) T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = of(i)
	}
	return list
}

// TestPage: what a report says, and which of them miss a requirement.
func TestPage(t *testing.T) {
	page, err := some().Page()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "page.md", string(page))
	if !some().Met() {
		t.Errorf("at every limit it should be met:\n%s", some().Text())
	}
	for what, change := range map[string]func(*report){
		"pooled":               func(r *report) { r.Throughput[0].Ratio.Low -= 0.001 },
		"per_request":          func(r *report) { r.Throughput[1].Ratio.Low = 0.899 },
		"median":               func(r *report) { r.Watched.Median.To += 0.001 },
		"p99":                  func(r *report) { r.Watched.P99.From += 0.001 },
		"dropped":              func(r *report) { r.Watched.Lost++ },
		"cost of a reader":     func(r *report) { r.Watched.During.Stacks += 1 << 10 },
		"left of a reader":     func(r *report) { r.Watched.After.Heap += 1 << 10 },
		"goroutines of events": func(r *report) { r.Watched.After.Goroutines++ },
		"goroutines of calls":  func(r *report) { r.Soaked.Rounds[0].After.Goroutines++ },
		"open files":           func(r *report) { r.Soaked.Rounds[0].After.Files++ },
		"not made":             func(r *report) { r.Soaked.Rounds[1].Withheld++ },
		"not answered":         func(r *report) { r.Soaked.Rounds[1].Outcomes[noAnswer]++ },
		"the heap": func(r *report) {
			r.Soaked.Rounds[1].Samples = slicesOf(12, func(i int) process.Stats { return process.Stats{Heap: uint64(i) << 20} })
		},
		"no samples": func(r *report) { r.Soaked.Rounds[1].Samples = nil },
	} {
		missed := some()
		if change(missed); missed.Met() || strings.Count(missed.Text(), markdown.Miss) != 1 {
			t.Errorf("%s: no miss in\n%s", what, missed.Text())
		}
	}
}

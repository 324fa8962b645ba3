package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"reliability/bench/internal/process"
)

// TestSoak: each upstream is as broken as it is called, and each call is accounted for.
func TestSoak(t *testing.T) {
	r := &report{options: options{Soak: time.Second, SoakRate: 40}}
	if err := r.soak(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, m := range r.Soaked.Rounds {
		order = append(order, m.Upstream+"/"+m.Pipeline)
		calls := 0
		for _, n := range m.Outcomes {
			calls += n
		}
		if calls < 5 || m.Outcomes["success"] > 0 || m.Outcomes[noAnswer] > 0 || m.Withheld > 0 {
			t.Errorf("%s/%s: %v, %d withheld", m.Upstream, m.Pipeline, m.Outcomes, m.Withheld)
		}
		if m.Pipeline != "full chain" && m.Outcomes["rejected"] > 0 {
			t.Errorf("%s: there is a breaker: %v", m.Upstream, m.Outcomes)
		}
		if len(m.Samples) < 5 || !r.Soaked.back(m.After) {
			t.Errorf("%s/%s: %d samples, after %+v, at rest %+v", m.Upstream, m.Pipeline, len(m.Samples), m.After, r.Soaked.Baseline)
		}
	}
	const want = "[hanging/full chain hanging/retry, timeout resetting/full chain resetting/retry, timeout " +
		"truncating/full chain truncating/retry, timeout slow-drip/full chain slow-drip/retry, timeout dead/full chain dead/retry, timeout]"
	if got := fmt.Sprint(order); got != want {
		t.Errorf("%s", got)
	}
	for i, what := range map[int]string{1: "timeout", 3: "failure", 5: "failure", 7: "timeout", 9: "failure"} {
		if m := r.Soaked.Rounds[i]; m.Outcomes[what] == 0 {
			t.Errorf("%s: %v, and none is %s", m.Upstream, m.Outcomes, what)
		}
	}
}

func TestBack(t *testing.T) {
	s := soaked{Baseline: process.Stats{Goroutines: 20, Files: 30}}
	for _, c := range []struct {
		goroutines, files int
		want              bool
	}{{30, 35, true}, {31, 35, false}, {30, 36, false}} {
		if got := s.back(process.Stats{Goroutines: c.goroutines, Files: c.files}); got != c.want {
			t.Errorf("%d goroutines and %d files: %v", c.goroutines, c.files, got)
		}
	}
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, `{"outcome":"success"}`, "success"},
		{503, `{"title":"Service Unavailable","status":503,"outcome":"rejected"}`, "rejected"},
		{503, `{"title":"Service Unavailable","status":503}`, "503"},
		{502, `Bad Gateway`, "502"},
	} {
		if got := outcome(c.status, []byte(c.body)); got != c.want {
			t.Errorf("%d %s: %s, want %s", c.status, c.body, got, c.want)
		}
	}
}

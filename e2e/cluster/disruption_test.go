package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Calls a second that caller makes while something is done to flaky.
const loadRate = 50

func testPodDeleted(t *testing.T, r recipe) {
	before := pods(t, "reliability.dev/profile=healthy")
	c := underLoad(t, func() {
		r.run(t)
		replaced(t, before)
	})
	measured(t, "a pod deleted: %s", c)
	c.wantNoneLost(t)
	c.wantNoRetry(t) // it drains: nobody is refused, nobody is cut off
}

func testPodKilled(t *testing.T, r recipe) {
	before := pods(t, "reliability.dev/profile=healthy")
	c := underLoad(t, func() {
		r.run(t)
		replaced(t, before)
	})
	measured(t, "a pod killed: %s", c)
	c.wantNoneLost(t)
}

func testRollout(t *testing.T, r recipe) {
	inject(t, `{"latency":{"value":"1ms"}}`)
	before := pods(t, "reliability.dev/profile=healthy")
	c := underLoad(t, func() { r.run(t) })
	measured(t, "a rollout: %s", c)
	c.wantNoneLost(t)
	c.wantNoRetry(t)
	replicasServe(t, len(before))
	for _, old := range before {
		for _, p := range pods(t, "reliability.dev/profile=healthy") {
			if p.Metadata.Name == old.Metadata.Name {
				t.Errorf("%s has not been replaced", p.Metadata.Name)
			}
		}
	}
	if err := everyReplica(t, "flaky-", func(f replica) error {
		if !f.Healthy || f.Source != "boot" {
			return fmt.Errorf("it has %s from %s, although it is new", f.Faults, f.Source)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestScalingLosesNoCall: replicas come and go in numbers, and all that go at once drain at once.
func TestScalingLosesNoCall(t *testing.T) {
	leaveReset(t)
	c := underLoad(t, func() {
		for _, n := range []string{"5", "2", "3"} {
			if _, err := kubectl(t.Context(), "scale", "deployment/flaky", "--replicas="+n); err != nil {
				t.Fatal(err)
			}
			if _, err := kubectl(t.Context(), "rollout", "status", "deployment/flaky", "--timeout=60s"); err != nil {
				t.Fatal(err)
			}
			eventually(t, time.Minute, n+" replicas are left", func() error {
				if got := fmt.Sprint(len(serving(t, "flaky"))); got != n {
					return fmt.Errorf("there are %s", got)
				}
				return gone(t, "reliability.dev/profile=healthy", len(serving(t, "flaky")))
			})
		}
	})
	measured(t, "scaled 3 → 5 → 2 → 3: %s", c)
	c.wantNoneLost(t)
	c.wantNoRetry(t)
}

// replaced waits until there are as many ready pods as before, of which at least one is new, and no other.
func replaced(t *testing.T, before []pod) {
	t.Helper()
	old := map[string]bool{}
	for _, p := range before {
		old[p.Metadata.Name] = true
	}
	eventually(t, time.Minute, "the pod has gone, and another one is ready", func() error {
		now := serving(t, "flaky")
		fresh := 0
		for _, name := range now {
			if !old[name] {
				fresh++
			}
		}
		if len(now) != len(before) || fresh == 0 {
			return fmt.Errorf("ready are %s, and were %v", strings.Join(now, " "), old)
		}
		return gone(t, "reliability.dev/profile=healthy", len(before))
	})
}

// counts is what became of calls, and of their attempts.
type counts struct {
	outcomes, results map[string]int
	retries           int
}

func (c counts) String() string {
	return fmt.Sprintf("calls %v, attempts %v, %d retries", c.outcomes, c.results, c.retries)
}

func (c counts) wantNoneLost(t *testing.T) {
	t.Helper()
	for outcome, n := range c.outcomes {
		if outcome != "success" && n > 0 {
			t.Errorf("%d calls ended as %s, want none: %s", n, outcome, c)
		}
	}
	if c.outcomes["success"] == 0 {
		t.Errorf("no call succeeded: %s", c)
	}
}

func (c counts) wantNoRetry(t *testing.T) {
	t.Helper()
	if c.retries > 0 {
		t.Errorf("%d calls needed a retry, want none: %s", c.retries, c)
	}
}

// underLoad has caller make calls of its own, with the chain that it has by default, from before disturb until after
// it, and counts what became of all of them. Only the timeout is longer than by default: a machine that is busy with
// new pods may leave a call waiting for a quarter of a second, which is not flaky's doing.
func underLoad(t *testing.T, disturb func()) counts {
	t.Helper()
	eventuallyGood(t)
	change(t, http.MethodPatch, "/api/policy", `{"timeout":{"limit":"2s"}}`)
	defer func() { change(t, http.MethodDelete, "/api/policy", "") }()
	before := settled(t)
	change(t, http.MethodPut, "/api/load", fmt.Sprintf(`{"rate":%d,"arrivals":"poisson"}`, loadRate))
	defer func() { change(t, http.MethodDelete, "/api/load", "") }()
	time.Sleep(time.Second) // calls before it
	disturb()
	time.Sleep(2 * time.Second) // and after it: nodes learn of a change a moment late
	change(t, http.MethodPut, "/api/load", `{"rate":0}`)
	after := settled(t)
	if after.Instance != before.Instance {
		t.Fatalf("the counts are of two callers, %s and %s", before.Instance, after.Instance)
	}
	if after.Load.Dropped > 0 {
		t.Errorf("%d calls were not made, because too many ran", after.Load.Dropped)
	}
	c := counts{map[string]int{}, map[string]int{}, 0}
	for name, a := range after.Engines {
		b := before.Engines[name]
		c.retries += a.Retries - b.Retries
		for outcome, n := range a.Outcomes {
			c.outcomes[outcome] += n - b.Outcomes[outcome]
		}
		for result, n := range a.Results {
			c.results[result] += n - b.Results[result]
		}
	}
	return c
}

// settled returns caller's state when no call is running.
func settled(t *testing.T) callerState {
	t.Helper()
	var s callerState
	eventually(t, 20*time.Second, "every call has ended", func() error {
		var err error
		if s, err = state(t); err != nil {
			return err
		}
		running := s.Load.Running
		for _, e := range s.Engines {
			running += e.InFlight
		}
		if running > 0 {
			return fmt.Errorf("%d are running", running)
		}
		return nil
	})
	return s
}

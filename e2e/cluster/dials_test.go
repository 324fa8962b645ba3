package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func testOutage(t *testing.T, r recipe) {
	start := time.Now()
	r.run(t)
	// The replicas drain first, and answer meanwhile.
	eventually(t, 30*time.Second, "nobody is left to answer", func() error {
		a := callWith(t, "order=timeout")
		if len(a.Attempts) != 1 || a.Attempts[0].Phase != "dial" {
			return fmt.Errorf("GET /call answered %d: %s", a.code, a.body)
		}
		if cause := a.Attempts[0].Cause; cause != "refused" && cause != "timeout" {
			return fmt.Errorf("the attempt failed by %q, want refused or timeout: %s", cause, a.body)
		}
		return nil
	})
	measured(t, "no replica: the first failed dial %s after the command", since(start))
	for _, engine := range engines {
		eventually(t, 20*time.Second, engine+"'s breaker opens", func() error {
			if a := call(t, engine); a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
				return fmt.Errorf("GET /call answered %d: %s", a.code, a.body)
			}
			return nil
		})
	}

	r.takeBack(t)
	eventuallyGood(t)
}

// testRatio holds the arithmetic of docs/cluster.md against a hundred calls: their failures are binomial, and
// a right ratio stays within five standard deviations but for one run in a million.
func testRatio(t *testing.T, r recipe) {
	const calls = 100
	r.run(t)
	replicasServe(t, 6)
	// A budget that earlier tests have spent would be a ratio of its own.
	change(t, http.MethodPatch, "/api/policy", `{"retry":{"budget":{"on":false}}}`)
	defer change(t, http.MethodDelete, "/api/policy", "")
	failed := map[string]int{}
	for _, order := range []string{"none", "retry"} {
		for range calls {
			a := callWith(t, "order="+order)
			if a.code == http.StatusOK {
				continue
			}
			failed[order]++
			last := a.Attempts[len(a.Attempts)-1]
			if a.Outcome != "failure" || last.Status != 503 || !strings.HasPrefix(last.ServedBy, "flaky-errors-") {
				t.Errorf("a call failed for another reason than flaky-errors: %s", a.body)
			}
		}
	}
	measured(t, "3 of 6 replicas fail: %d of %d calls without policies, %d of %d with retries", failed["none"], calls, failed["retry"], calls)
	if n := failed["none"]; n < 25 || n > 75 {
		t.Errorf("%d of %d calls failed without policies, want half: 50 ± 25", n, calls)
	}
	if n := failed["retry"]; n > 20 {
		t.Errorf("%d of %d calls failed with up to four attempts, want one in 16: 6 + 14 at most", n, calls)
	}

	r.takeBack(t)
	replicasServe(t, 3)
	for range 20 {
		if a := callWith(t, "order=none"); a.code != http.StatusOK {
			t.Errorf("a call failed although nothing is wrong any more: %s", a.body)
		}
	}
}

// testConfigMap holds the change to 15 seconds in every replica, there and back.
func testConfigMap(t *testing.T, r recipe) {
	const limit = 15 * time.Second
	before := pods(t, "reliability.dev/profile=healthy")
	start := time.Now()
	r.run(t)
	eventually(t, limit, "the ConfigMap's faults are in force in every replica", func() error {
		return everyReplica(t, "flaky-", func(f replica) error {
			if f.Source != "file" || f.Healthy {
				return fmt.Errorf("it has %s from %s", f.Faults, f.Source)
			}
			return nil
		})
	})
	measured(t, "a ConfigMap is in force in every replica after %s", since(start))
	for range 10 {
		if a := callWith(t, "order=none"); a.code != http.StatusBadGateway || a.Attempts[0].Status != 500 {
			t.Errorf("with the ConfigMap's error_status 500, GET /call answered %d: %s", a.code, a.body)
		}
	}

	start = time.Now()
	r.takeBack(t)
	eventually(t, limit, "the boot profile is in force again in every replica", func() error {
		return everyReplica(t, "flaky-", func(f replica) error {
			if f.Source != "boot" || !f.Healthy {
				return fmt.Errorf("it has %s from %s", f.Faults, f.Source)
			}
			return nil
		})
	})
	measured(t, "an emptied ConfigMap is out of force in every replica after %s", since(start))
	if got, want := fmt.Sprint(pods(t, "reliability.dev/profile=healthy")), fmt.Sprint(before); got != want {
		t.Errorf("the replicas are %s, and were %s: a ConfigMap must not restart them", got, want)
	}
	eventuallyGood(t)
}

func testEnvironment(t *testing.T, r recipe) {
	r.run(t)
	replicasServe(t, 3)
	boot := func(rate string) {
		t.Helper()
		if err := everyReplica(t, "flaky-", func(f replica) error {
			if f.Source != "boot" || f.Healthy != (rate == "") || !strings.Contains(string(f.Boot), rate) {
				return fmt.Errorf("it was born with %s and has %s from %s", f.Boot, f.Faults, f.Source)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	boot("0.3")
	res, body, err := request(t, http.MethodPut, callerURL+"/api/faults", `{"error_rate":1}`)
	if err != nil || res.StatusCode != http.StatusConflict {
		t.Errorf("PUT /api/faults, when no replica was born healthy: %v: %s", err, body)
	}
	eventually(t, time.Minute, "a call fails without policies", func() error {
		if a := callWith(t, "order=none"); a.code == http.StatusOK {
			return fmt.Errorf("the last one answered %d", a.code)
		}
		return nil
	})

	r.takeBack(t)
	replicasServe(t, 3)
	boot("")
}

func testSickReplica(t *testing.T, r recipe) {
	r.run(t)
	sick := sickReplicas(t)
	if len(sick) != 1 {
		t.Fatalf("%d replicas are sick, want one: %v", len(sick), sick)
	}
	eventually(t, time.Minute, "a call that a retry saves", func() error {
		a := callWith(t, "order=retry")
		for _, at := range a.Attempts {
			if failed := at.Status == http.StatusServiceUnavailable; failed != (at.ServedBy == sick[0]) {
				t.Errorf("%s is sick, and an attempt ended so: %+v", sick[0], at)
			}
		}
		if a.code != http.StatusOK || len(a.Attempts) < 2 {
			return fmt.Errorf("the last one answered %d after %d attempts", a.code, len(a.Attempts))
		}
		return nil
	})
	for _, p := range pods(t, "reliability.dev/profile=healthy") {
		if !p.Status.ContainerStatuses[0].Ready {
			t.Errorf("%s is not ready: faults must not touch probes", p.Metadata.Name)
		}
	}

	r.takeBack(t)
	if sick := sickReplicas(t); len(sick) > 0 {
		t.Errorf("still sick: %v", sick)
	}
}

func sickReplicas(t *testing.T) []string {
	t.Helper()
	var sick []string
	if err := everyReplica(t, "flaky-", func(r replica) error {
		if !r.Healthy {
			sick = append(sick, r.ServedBy)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return sick
}

func testThreeCallers(t *testing.T, r recipe) {
	printed := r.run(t)
	t.Logf("the recipe prints\n%s", printed)
	all, err := callers(t)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, s := range all {
		states[s.Engines["handrolled"].Breaker.State]++
		if !strings.Contains(printed, fmt.Sprintf("%q", s.Instance)) {
			t.Errorf("what the recipe prints does not have %s", s.Instance)
		}
	}
	if len(all) != 3 || states["open"] != 1 || states["closed"] != 2 {
		t.Errorf("of 3 callers 1 should have an open breaker, and 2 a closed one: %v: %s", states, printed)
	}
	if n := strings.Count(printed, `"state": "open"`); n != 1 {
		t.Errorf("the recipe prints %d open breakers, want 1:\n%s", n, printed)
	}

	r.takeBack(t)
	eventually(t, time.Minute, "one caller is left", func() error {
		if n := len(pods(t, "app.kubernetes.io/name=caller")); n != 1 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	eventuallyGood(t)
}

package cluster

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestResetUndoesEverything turns every dial there is. What is dialled at a running process goes by itself when the
// process is replaced, so that comes on its own.
func TestResetUndoesEverything(t *testing.T) {
	leaveReset(t)
	t.Run("Deployments", func(t *testing.T) {
		for _, args := range [][]string{
			{"set", "env", "deployment/caller", "CALLER_RATE_LIMIT=500", "CALLER_TRACE_URL-"},                 // added, taken away
			{"set", "env", "deployment/flaky", "FLAKY_FAULTS={\"error_rate\":0.1}", "GOMEMLIMIT=90MiB"},       // added, changed
			{"set", "env", "deployment/flaky-errors", "FLAKY_FAULTS={\"error_rate\":1,\"error_status\":500}"}, // changed
			{"set", "env", "deployment/flaky-hang", "FLAKY_PROFILE=mine", "DEPLOYMENT-"},                      // a plain value; what is referred to below
			{"scale", "deployment/flaky", "--replicas=2"},
			{"scale", "deployment/flaky-errors", "deployment/flaky-hang", "--replicas=1"},
			{"scale", "deployment/caller", "--replicas=2"},
		} {
			if _, err := kubectl(t.Context(), args...); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range []string{"caller", "flaky", "flaky-errors", "flaky-hang"} {
			if _, err := kubectl(t.Context(), "rollout", "status", "deployment/"+d, "--timeout=60s"); err != nil {
				t.Fatal(err)
			}
		}
		reset(t)
		wantReset(t)
	})
	t.Run("processes", func(t *testing.T) {
		before := fmt.Sprint(pods(t, "app.kubernetes.io/part-of=reliability-patterns"))
		if _, err := kubectl(t.Context(), "patch", "configmap", "flaky-faults", "--type=merge",
			`--patch={"data": {"faults.json": "{\"latency\":{\"value\":\"5ms\"}}"}}`); err != nil {
			t.Fatal(err)
		}
		eventually(t, 30*time.Second, "the file is in force", func() error {
			return everyReplica(t, "flaky-", func(r replica) error {
				if r.Source != "file" {
					return fmt.Errorf("its faults are from %s", r.Source)
				}
				return nil
			})
		})
		change(t, http.MethodPut, "/api/faults", `{"error_rate":0.5}`) // in the place of the file's
		change(t, http.MethodPatch, "/api/policy", `{"timeout":{"limit":"100ms"}}`)
		change(t, http.MethodPut, "/api/load", `{"rate":5}`)
		change(t, http.MethodPost, "/api/breakers/handrolled/open", "")
		reset(t)
		wantReset(t)
		if after := fmt.Sprint(pods(t, "app.kubernetes.io/part-of=reliability-patterns")); after != before {
			t.Errorf("make reset has replaced pods that it need not: %s, before it %s", after, before)
		}
	})
	t.Run("open breakers", func(t *testing.T) {
		change(t, http.MethodPut, "/api/faults", `{"error_rate":1}`)
		for _, engine := range engines {
			eventually(t, 20*time.Second, engine+"'s breaker opens by itself", func() error {
				if a := call(t, engine); a.Breaker.State != "open" {
					return fmt.Errorf("it is %s: %s", a.Breaker.State, a.body)
				}
				return nil
			})
		}
		reset(t)
		// At once. By itself a breaker is open for five seconds, and closed only two good probes later.
		for _, engine := range engines {
			if a := call(t, engine); a.code != http.StatusOK || a.Breaker.State != "closed" {
				t.Errorf("right after make reset, GET /call answered %d: %s", a.code, a.body)
			}
		}
		wantReset(t)
	})
	t.Run("nobody is ready", func(t *testing.T) {
		change(t, http.MethodPut, "/api/faults", `{"unready":true}`)
		eventually(t, 20*time.Second, "no replica is ready", func() error {
			for _, p := range pods(t, "app.kubernetes.io/name=flaky") {
				for _, c := range p.Status.ContainerStatuses {
					if c.Ready {
						return fmt.Errorf("%s is", p.Metadata.Name)
					}
				}
			}
			return nil
		})
		if took := reset(t); took > time.Minute {
			t.Errorf("make reset took %s, want less than a minute", took)
		}
		wantReset(t)
	})
}

func wantReset(t *testing.T) {
	t.Helper()
	// Old pods may still be draining, and one of them end while it is asked.
	eventually(t, 20*time.Second, "everything is as in the manifests after make reset", func() error { return isReset(t) })
	if a := call(t, "handrolled"); a.code != http.StatusOK || len(a.Attempts) != 1 {
		t.Errorf("after make reset, GET /call answered %d: %s", a.code, a.body)
	}
}

package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// TestZZNodeRestart stops the machine under all of it. Go runs tests in the order of their files' names: this one
// is the last, because pods that were restarted stay so.
func TestZZNodeRestart(t *testing.T) {
	// Until here nothing may have crashed, whatever the tests before did.
	for _, p := range pods(t, "app.kubernetes.io/part-of=reliability-patterns") {
		if n := restarts(t, p); n > 0 {
			t.Errorf("%s has been restarted %d times", p.Metadata.Name, n)
		}
	}
	// New pods in the end: who comes next looks for restarts, too.
	t.Cleanup(func() {
		for _, args := range [][]string{
			{"rollout", "restart", "deployment"},
			{"rollout", "status", "deployment", "--timeout=120s"},
		} {
			if _, err := kubectl(always(t), args...); err != nil {
				t.Error(err)
			}
		}
		eventuallyGood(t)
	})

	start := time.Now()
	if out, err := exec.CommandContext(t.Context(), "docker", "restart", clusterName+"-control-plane").CombinedOutput(); err != nil {
		t.Fatalf("docker restart: %v: %s", err, out)
	}
	restarted := time.Now()
	var a answer
	eventually(t, 3*time.Minute, "a call succeeds", func() error {
		res, body, err := request(t, http.MethodGet, callerURL+"/call", "")
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &a); err != nil || res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", res.Status, body)
		}
		return nil
	})
	answered := time.Now()
	eventually(t, 2*time.Minute, "a trace is in Jaeger", func() error { return traced(t) })
	measured(t, "docker restart took %s; a call succeeded %s later, its trace was in Jaeger %s later",
		restarted.Sub(start).Round(time.Second), answered.Sub(restarted).Round(time.Second), time.Since(restarted).Round(time.Second))
	eventually(t, 2*time.Minute, "everything is as it was", func() error { return isReset(t) })
	measured(t, "everything is ready %s after docker restart", since(restarted))
}

// traced makes a call and looks for its trace, once: Jaeger may not be there yet, and a call before is then lost to it.
func traced(t *testing.T) error {
	res, body, err := request(t, http.MethodGet, callerURL+"/call", "")
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal([]byte(body), &a); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /call: %s: %s", res.Status, body)
	}
	time.Sleep(2 * time.Second) // both services export once a second
	res, body, err = request(t, http.MethodGet, jaegerURL+"/api/traces/"+a.TraceID, "")
	if err != nil {
		return err
	}
	var found struct{ Data []trace }
	if err := json.Unmarshal([]byte(body), &found); err != nil || len(found.Data) != 1 {
		return fmt.Errorf("trace %s: %s: %s", a.TraceID, res.Status, body)
	}
	if tr := found.Data[0]; tr.count("caller") == 0 || tr.count("flaky") == 0 {
		return fmt.Errorf("trace %s is not complete:\n%s", a.TraceID, tr)
	}
	return nil
}

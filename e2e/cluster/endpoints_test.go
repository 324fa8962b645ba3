package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// eventuallyGood waits until calls of both engines succeed at the first attempt, with closed breakers.
func eventuallyGood(t *testing.T) {
	t.Helper()
	for _, engine := range engines {
		eventually(t, time.Minute, engine+" calls succeed again", func() error {
			if a := call(t, engine); a.code != http.StatusOK || len(a.Attempts) != 1 || a.Breaker.State != "closed" {
				return fmt.Errorf("GET /call answered %d: %s", a.code, a.body)
			}
			return nil
		})
	}
}

// serving returns the pods that the Service's traffic goes to: ready ones or, where there are none, those that
// still serve while they drain.
func serving(t *testing.T, service string) []string {
	t.Helper()
	out, err := kubectl(t.Context(), "get", "endpointslices", "-l", "kubernetes.io/service-name="+service, "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var slicesOf struct {
		Items []struct {
			Endpoints []struct {
				Conditions struct{ Ready, Serving bool }
				TargetRef  struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &slicesOf); err != nil {
		t.Fatal(err)
	}
	var ready, draining []string
	for _, s := range slicesOf.Items {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready {
				ready = append(ready, e.TargetRef.Name)
			} else if e.Conditions.Serving {
				draining = append(draining, e.TargetRef.Name)
			}
		}
	}
	if len(ready) == 0 {
		ready = draining
	}
	slices.Sort(ready)
	return ready
}

// replicasServe waits until flaky has so many ready replicas, no other pod of it is left, and the node's own rules
// have followed: each of them has answered a call.
func replicasServe(t *testing.T, n int) {
	t.Helper()
	eventually(t, time.Minute, fmt.Sprintf("%d replicas serve, and no more", n), func() error {
		if got := serving(t, "flaky"); len(got) != n {
			return fmt.Errorf("there are %d: %s", len(got), strings.Join(got, " "))
		}
		return gone(t, "app.kubernetes.io/name=flaky", n)
	})
	missing := map[string]bool{}
	for _, pod := range serving(t, "flaky") {
		missing[pod] = true
	}
	eventually(t, time.Minute, "each replica has answered", func() error {
		if a := callWith(t, "order=none"); len(a.Attempts) > 0 {
			delete(missing, a.Attempts[0].ServedBy)
		}
		if len(missing) > 0 {
			return fmt.Errorf("not yet: %v", missing)
		}
		return nil
	})
}

// gone reports whether there are n pods with these labels, and no more that are on their way out.
func gone(t *testing.T, selector string, n int) error {
	t.Helper()
	out, err := kubectl(t.Context(), "get", "pods", "-l", selector, "-o", "name")
	if err != nil {
		return err
	}
	if names := strings.Fields(out); len(names) != n {
		return fmt.Errorf("there are %d pods, want %d: %v", len(names), n, names)
	}
	return nil
}

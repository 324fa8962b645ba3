package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// leaveReset makes sure that the test leaves the cluster as it found it: one that does not undo what it did fails,
// and the next one meets a desk that is reset all the same.
func leaveReset(t *testing.T) {
	t.Cleanup(func() {
		problem := isReset(t)
		for deadline := time.Now().Add(10 * time.Second); problem != nil && time.Now().Before(deadline); problem = isReset(t) {
			time.Sleep(500 * time.Millisecond) // a pod may be on its way out
		}
		if problem == nil {
			return
		}
		if !t.Failed() {
			t.Errorf("the test has not undone what it did: %v", problem)
		}
		reset(t)
	})
}

// reset runs make reset, and returns how long it took.
func reset(t *testing.T) (took time.Duration) {
	t.Helper()
	start := time.Now()
	if err := command(context.WithoutCancel(t.Context()), "make", "-s", "reset", "OVERLAY="+overlay()); err != nil {
		t.Error(err)
	}
	took = time.Since(start)
	measured(t, "make reset: %s", since(start))
	return took
}

// isReset compares the cluster and what caller says with the manifests. It returns everything that differs.
func isReset(t *testing.T) error {
	return errors.Join(deploymentsReset(t), configMapReset(t), callerReset(t))
}

// workload is what a dial turns at a Deployment.
type workload struct {
	Metadata struct{ Name string }
	Spec     struct {
		Replicas int
		Template struct {
			Spec struct {
				Containers []struct {
					Env []variable
				}
			}
		}
	}
	Status struct{ Replicas, ReadyReplicas, UpdatedReplicas int }
}

// variable is one of a container's environment. ValueFrom is by the kind of source.
type variable struct {
	Name, Value string
	ValueFrom   map[string]map[string]any
}

func deploymentsReset(t *testing.T) error {
	manifests, err := kubectl(always(t), "create", "-k", "deploy/k8s/overlays/"+overlay(), "--dry-run=client", "-o", "json")
	if err != nil {
		return err
	}
	live, err := kubectl(always(t), "get", "deployments", "-o", "json")
	if err != nil {
		return err
	}
	want, err := workloads(manifests)
	if err != nil {
		return err
	}
	have, err := workloads(live)
	if err != nil {
		return err
	}
	var problems []error
	for name, w := range want {
		h, exists := have[name]
		if !exists {
			problems = append(problems, fmt.Errorf("there is no Deployment %s", name))
			continue
		}
		if h.Spec.Replicas != w.Spec.Replicas {
			problems = append(problems, fmt.Errorf("%s is to have %d replicas, want %d", name, h.Spec.Replicas, w.Spec.Replicas))
		}
		if s := h.Status; s.Replicas != h.Spec.Replicas || s.ReadyReplicas != s.Replicas || s.UpdatedReplicas != s.Replicas {
			problems = append(problems, fmt.Errorf("%s has not rolled out: %+v", name, s))
		}
		for i, c := range h.Spec.Template.Spec.Containers {
			for _, v := range c.Env {
				delete(v.ValueFrom["fieldRef"], "apiVersion") // which the API server adds
			}
			// In order: $(NAME) stands for what is above.
			if diff := cmp.Diff(w.Spec.Template.Spec.Containers[i].Env, c.Env); diff != "" {
				problems = append(problems, fmt.Errorf("%s has another environment, -manifest +cluster:\n%s", name, diff))
			}
		}
	}
	return errors.Join(problems...)
}

// workloads returns the Deployments among what kubectl printed as JSON: one list, or one object after the other.
func workloads(printed string) (map[string]workload, error) {
	found := map[string]workload{}
	for decoder := json.NewDecoder(strings.NewReader(printed)); decoder.More(); {
		var object struct {
			Kind  string
			Items []json.RawMessage
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
		items := object.Items
		if object.Kind != "List" {
			items = []json.RawMessage{raw}
		}
		for _, item := range items {
			var kind struct{ Kind string }
			var w workload
			if err := json.Unmarshal(item, &kind); err != nil {
				return nil, err
			}
			if kind.Kind != "Deployment" {
				continue
			}
			if err := json.Unmarshal(item, &w); err != nil {
				return nil, err
			}
			found[w.Metadata.Name] = w
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no Deployment at all")
	}
	return found, nil
}

func configMapReset(t *testing.T) error {
	out, err := kubectl(always(t), "get", "configmap", "flaky-faults", "-o", `jsonpath={.data.faults\.json}`)
	if err == nil && out != "" {
		err = fmt.Errorf("the ConfigMap flaky-faults says %s", out)
	}
	return err
}

// callerReset asks caller: policy and load are those it was started with, faults those that flaky was, and both
// breakers are closed and nobody's hand is on them.
func callerReset(t *testing.T) error {
	s, err := state(t)
	if err != nil {
		return err
	}
	var problems []error
	for engine, e := range s.Engines {
		if e.Breaker.Mode != "automatic" || e.Breaker.State != "closed" {
			problems = append(problems, fmt.Errorf("%s's breaker is %s, %s", engine, e.Breaker.State, e.Breaker.Mode))
		}
	}
	if s.Policy.Source != "boot" {
		problems = append(problems, fmt.Errorf("the policy is from %s", s.Policy.Source))
	}
	if s.Load.Load.Rate != 0 {
		problems = append(problems, fmt.Errorf("there is a load of %g calls a second", s.Load.Load.Rate))
	}
	replicas, err := faults(t)
	if err != nil {
		problems = append(problems, err)
	}
	healthy := 0
	for _, r := range replicas {
		switch {
		case r.Error != "": // and so nothing else is known of it
			problems = append(problems, fmt.Errorf("replica %s does not say what its faults are: %s", r.Address, r.Error))
		case r.Profile != "healthy": // it is on its way out, or its Deployment has replicas that it should not have
		case r.Source != "boot" || !r.Healthy:
			problems = append(problems, fmt.Errorf("replica %s has faults from %q: %s", r.ServedBy, r.Source, r.Faults))
		default:
			healthy++
		}
	}
	if want := 3; healthy != want {
		problems = append(problems, fmt.Errorf("%d replicas of %d that caller knows are healthy, want %d", healthy, len(replicas), want))
	}
	return errors.Join(problems...)
}

// always is a context for cleanups too, when the test's is over already. Each use of it has a limit of its own.
func always(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }

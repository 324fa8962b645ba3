package world

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scripted is a kubectl that answers from a script, by the words after the namespace.
func scripted(asked *[]string, answers map[string]func() string) *Kube {
	return &Kube{Context: "kind-x", Namespace: "y", Kubectl: func(_ context.Context, args ...string) (string, error) {
		line := strings.Join(args, " ")
		rest, ok := strings.CutPrefix(line, "--context kind-x --namespace y ")
		if !ok {
			return "", errors.New("neither context nor namespace: " + line)
		}
		*asked = append(*asked, rest)
		for prefix, answer := range answers {
			if strings.HasPrefix(rest, prefix) {
				return answer(), nil
			}
		}
		return "", nil
	}}
}

func TestKubectlIsAskedInFull(t *testing.T) {
	var asked []string
	k := scripted(&asked, map[string]func() string{"get deployment/flaky": func() string { return "3\n" }})
	ctx := t.Context()
	n, err := k.Replicas(ctx, "flaky")
	if n != 3 || err != nil {
		t.Errorf("%d replicas, %v", n, err)
	}
	for _, err := range []error{
		k.Scale(ctx, "flaky", 0), k.Restart(ctx, "flaky"), k.Env(ctx, "flaky", "FLAKY_DRAIN", "0s"), k.Env(ctx, "flaky", "FLAKY_DRAIN", ""),
		k.Delete(ctx, "flaky-1", false), k.Delete(ctx, "flaky-1", true),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"get deployment/flaky --output jsonpath={.spec.replicas}",
		"scale deployment/flaky --replicas 0",
		"rollout restart deployment/flaky",
		"set env deployment/flaky FLAKY_DRAIN=0s", "rollout status deployment/flaky --timeout 3m",
		"set env deployment/flaky FLAKY_DRAIN-", "rollout status deployment/flaky --timeout 3m",
		"delete pod/flaky-1 --wait=false",
		"delete pod/flaky-1 --wait=false --grace-period=0 --force",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("kubectl, -want +got:\n%s", diff)
	}
}

// TestSettle waits for every pod that is wanted, and for those that are not to be quiet.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var asked []string
		k := scripted(&asked, map[string]func() string{"get pods": func() string {
			if time.Since(begin) < time.Second { // the new one is not there yet
				return "old b"
			}
			return "b a "
		}})
		calls := 0
		err := k.Settle(t.Context(), "app=x", 2, 2*time.Second, time.Minute, func(context.Context) (string, error) {
			calls++
			if time.Since(begin) < 5*time.Second { // the Service still knows the old one
				return []string{"old", "a", "b"}[calls%3], nil
			}
			return []string{"a", "b"}[calls%2], nil
		})
		if took := time.Since(begin); err != nil || took < 6900*time.Millisecond || took > 8*time.Second {
			t.Errorf("settled after %v: %v; want two seconds after the old one has answered last", took, err)
		}

		begin = time.Now()
		err = k.Settle(t.Context(), "app=x", 3, 2*time.Second, time.Minute, func(context.Context) (string, error) { return "a", nil })
		want := "3 pods with app=x: after 1m0s there are [old b], of which"
		if err == nil || !strings.HasPrefix(err.Error(), "3 pods with app=x: after 1m0s there are [") || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v; want %s…", err, time.Since(begin), want)
		}
	})
}

func TestWhatCannotBeHadInADeployment(t *testing.T) {
	if _, err := Cluster(Running{Callers: []string{"localhost:80"}, FlakyAdmin: ""}); err == nil ||
		!strings.Contains(err.Error(), `--caller is "localhost:80"`) || !strings.Contains(err.Error(), `--flaky-admin is ""`) {
		t.Errorf("not every URL that is none is named: %v", err)
	}
	one, err := Cluster(Running{Callers: []string{"http://127.0.0.1:1"}, FlakyAdmin: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	scaling, err := Cluster(Running{Callers: []string{"http://127.0.0.1:1"}, Kube: &Kube{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		w    *World
		s    Setup
		want string
	}{
		{one, Setup{Layers: 3}, "it needs 3 layers of callers"},
		{one, Setup{Callers: 2}, "it needs 2 callers, and --caller names 1"},
		{one, Setup{MaxInFlight: 40}, "it needs a caller with CALLER_MAX_IN_FLIGHT=40"},
		{one, Setup{Kube: true}, "--kube-context is not given"},
		{scaling, Setup{}, "--flaky-admin is not given"},
	} {
		if _, err := c.w.Start(t.Context(), c.s); !errors.Is(err, ErrNotHere) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %s", c.s, err, c.want)
		}
	}
}

// TestAKubectlThatIsCutOffSaysWhy: "signal: killed" would not.
func TestAKubectlThatIsCutOffSaysWhy(t *testing.T) {
	why := errors.New("the cluster did not take back what was changed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	k := &Kube{Context: "kind-x", Namespace: "y"}
	if err := k.Scale(ctx, "flaky", 3); !errors.Is(err, why) || !strings.Contains(err.Error(), "scale deployment/flaky --replicas 3") {
		t.Errorf("%v, want %q and the command", err, why)
	}
}

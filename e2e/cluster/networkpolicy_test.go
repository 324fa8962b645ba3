package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// An intruder is a caller in everything but its labels. It is asked through the API server's proxy.
const intruder = `
apiVersion: v1
kind: Pod
metadata:
  name: intruder
  labels: {app.kubernetes.io/name: intruder}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: caller
    image: reliability/caller:dev
    imagePullPolicy: IfNotPresent
    env:
    - {name: CALLER_ADDR, value: ":8080"}
    - {name: CALLER_ADMIN_ADDR, value: ":8090"}
    - {name: CALLER_UPSTREAM_URL, value: "http://flaky:8081/work"}
    - {name: CALLER_FLAKY_ADMIN_URL, value: "http://flaky-pods.reliability.svc.cluster.local.:8091"}
    - {name: GOMEMLIMIT, value: 100MiB}
    readinessProbe: {httpGet: {path: /readyz, port: 8090}, periodSeconds: 1}
    resources: {limits: {memory: 128Mi}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`

// isolated lets the intruder send nothing at all: whether that holds tells whether this cluster enforces policies.
const isolated = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: intruder-isolated}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: intruder}}
  policyTypes: [Egress]
`

// TestOnlyCallerReachesTheAdminListener: an intruder may do work, and may not see or change faults.
func TestOnlyCallerReachesTheAdminListener(t *testing.T) {
	leaveReset(t)
	t.Cleanup(func() {
		if _, err := kubectl(always(t), "delete", "pod/intruder", "networkpolicy/intruder-isolated",
			"--ignore-not-found", "--timeout=60s"); err != nil {
			t.Error(err)
		}
	})
	apply(t, intruder)
	if _, err := kubectl(t.Context(), "wait", "--for=condition=Ready", "pod/intruder", "--timeout=60s"); err != nil {
		t.Fatal(err)
	}
	pod := apiServer(t) + "/api/v1/namespaces/reliability/pods/intruder:8080/proxy"
	eventually(t, 20*time.Second, "the intruder's calls succeed while no policy is about it", func() error { return intrude(t, pod) })

	apply(t, isolated)
	// A call may fail for any reason; three in a row do for one. Whoever may not send waits long for it to fail.
	failed := 0
	for deadline := time.Now().Add(10 * time.Second); failed < 3 && (failed > 0 || time.Now().Before(deadline)); time.Sleep(500 * time.Millisecond) {
		if failed++; intrude(t, pod) == nil {
			failed = 0
		}
	}
	if failed < 3 {
		t.Skip("NETWORKPOLICY NOT ENFORCED: this cluster's network lets a pod call that may not send anything, " +
			"so nothing can be said about who reaches flaky's admin listener")
	}
	if _, err := kubectl(t.Context(), "delete", "networkpolicy/intruder-isolated"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the intruder's calls succeed again", func() error { return intrude(t, pod) })

	var seen struct{ Replicas []replica }
	res, answer, err := request(t, http.MethodGet, pod+"/api/faults", "")
	if err == nil {
		err = json.Unmarshal([]byte(answer), &seen)
	}
	if err != nil {
		t.Fatalf("the intruder does not say what it sees of flaky's replicas: %v: %s", err, answer)
	}
	if res.StatusCode == http.StatusOK {
		t.Errorf("the intruder's /api/faults answered %s", res.Status)
	}
	if want := len(pods(t, "app.kubernetes.io/name=flaky")); len(seen.Replicas) != want {
		t.Errorf("the intruder knows %d replicas, want %d: %s", len(seen.Replicas), want, answer)
	}
	for _, r := range seen.Replicas {
		if r.Error == "" {
			t.Errorf("the intruder sees the faults of %s", r.ServedBy)
		}
	}
	// Caller, at the same time, does.
	if err := everyReplica(t, "flaky-", func(replica) error { return nil }); err != nil {
		t.Error(err)
	}
	if !t.Failed() {
		t.Logf("NetworkPolicy is enforced: of %d replicas the intruder sees none", len(seen.Replicas))
	}
}

// intrude has the intruder make a call, and says why it did not succeed.
func intrude(t *testing.T, pod string) error {
	res, body, err := request(t, http.MethodGet, pod+"/call", "")
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %s: %s", res.Status, body)
	}
	return err
}

// apiServer returns where the API server answers plain HTTP, while the test runs. `kubectl get --raw` would do, if it
// did not keep the body of an answer to itself that is an error.
func apiServer(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "kubectl", "--context", kubeContext, "proxy", "--address=127.0.0.1", "--port=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = cmd.Wait() }) // killed, it is an error
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), "Starting to serve on ")
	if err != nil || !found {
		t.Fatalf("kubectl proxy says %q: %v", line, err)
	}
	return "http://" + address
}

func apply(t *testing.T, manifest string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kubectl", "--context", kubeContext, "-n", "reliability", "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(manifest)
	if _, err := cmd.Output(); err != nil {
		t.Fatal(withStderr(err))
	}
}

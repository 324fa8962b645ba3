package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTheNamespaceIsSmall asks the kubelet what each pod's memory is, as its limits are enforced.
func TestTheNamespaceIsSmall(t *testing.T) {
	const mib = 1 << 20
	var used map[string]int64
	// The kubelet looks every ten seconds or so, and does not know a pod at once.
	eventually(t, 30*time.Second, "the kubelet knows every pod's memory", func() error {
		used = memory(t)
		for _, p := range pods(t, "app.kubernetes.io/part-of=reliability-patterns") {
			if used[p.Metadata.Name] == 0 {
				return fmt.Errorf("not that of %s", p.Metadata.Name)
			}
		}
		return nil
	})
	var services, jaeger int64
	for pod, bytes := range used {
		if strings.HasPrefix(pod, "jaeger-") {
			jaeger += bytes
		} else {
			services += bytes
		}
	}
	measured(t, "the namespace's memory: %.0f MiB without Jaeger, %.0f MiB with it", float64(services)/mib, float64(services+jaeger)/mib)
	if services >= 300*mib {
		t.Errorf("%d bytes without Jaeger, want less than 300 MiB: %v", services, used)
	}
	if services+jaeger >= 1e9 {
		t.Errorf("%d bytes with Jaeger, want less than 1 GB: %v", services+jaeger, used)
	}
}

// memory returns the working set of each of the namespace's pods, in bytes.
func memory(t *testing.T) map[string]int64 {
	t.Helper()
	out, err := kubectl(t.Context(), "get", "--raw", "/api/v1/nodes/"+clusterName+"-control-plane/proxy/stats/summary")
	if err != nil {
		t.Fatal(err)
	}
	var summary struct {
		Pods []struct {
			PodRef struct{ Name, Namespace string }
			Memory struct{ WorkingSetBytes int64 }
		}
	}
	if err := json.Unmarshal([]byte(out), &summary); err != nil {
		t.Fatal(err)
	}
	used := map[string]int64{}
	for _, p := range summary.Pods {
		if p.PodRef.Namespace == "reliability" {
			used[p.PodRef.Name] = p.Memory.WorkingSetBytes
		}
	}
	return used
}

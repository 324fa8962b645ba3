package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// restartsFile is where TestMain notes how often containers had been restarted before it did anything: in a cluster
// that was there, some have been, after a reboot say.
func restartsFile() string { return filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "restarts") }

// rememberRestarts notes them.
func rememberRestarts(ctx context.Context) error {
	out, err := kubectl(ctx, "get", "pods", "-o", "json")
	if err != nil {
		return err
	}
	return os.WriteFile(restartsFile(), []byte(out), 0o600)
}

// restarts returns how often a pod's containers have been restarted since the tests began.
func restarts(t *testing.T, of pod) int {
	t.Helper()
	text, err := os.ReadFile(restartsFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a cluster of our own had no pods
		t.Fatal(err)
	}
	var before struct{ Items []pod }
	if err := json.Unmarshal(text, &before); err != nil && len(text) > 0 {
		t.Fatal(err)
	}
	n := of.restarts()
	for _, p := range before.Items {
		if p.Metadata.Name == of.Metadata.Name {
			n -= p.restarts()
		}
	}
	return n
}

// restarts counts all there have been.
func (p pod) restarts() int {
	n := 0
	for _, c := range p.Status.ContainerStatuses {
		n += c.RestartCount
	}
	return n
}

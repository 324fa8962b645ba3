package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// down runs make down, and looks for anything that it has left.
func down(ctx context.Context) error {
	if err := command(ctx, "make", "-s", "down"); err != nil {
		return err
	}
	var left []error
	for what, args := range map[string][]string{
		"containers":    {"docker", "ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster=" + clusterName},
		"tagged images": {"docker", "images", "--quiet", "--filter", "reference=reliability/*"},
		"images":        {"docker", "images", "--all", "--quiet", "--filter", "label=reliability.dev/image"}, // without a tag, too
		"contexts":      {"kubectl", "config", "get-contexts", "--output=name"},
	} {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
		if err != nil {
			left = append(left, fmt.Errorf("%s: %w", strings.Join(args, " "), withStderr(err)))
		}
		found := strings.Fields(string(out))
		if what == "contexts" { // other clusters are none of its business
			found = slices.DeleteFunc(found, func(name string) bool { return name != kubeContext })
		}
		if len(found) > 0 {
			left = append(left, fmt.Errorf("it has left %s: %v", what, found))
		}
	}
	if _, err := os.Stat(filepath.Join(root, ".build")); !errors.Is(err, os.ErrNotExist) {
		left = append(left, fmt.Errorf("it has left .build: %v", err))
	}
	if len(left) == 0 {
		fmt.Fprintln(os.Stderr, "make down has left nothing")
	}
	return errors.Join(left...)
}

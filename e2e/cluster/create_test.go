package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// bareName is the cluster that tells whether any can be had here.
const bareName = clusterName + "-e2e-bare"

// clusterUp makes sure that there is a cluster and that the kubeconfig knows it. It reports whether it created one.
func clusterUp(ctx context.Context) (created bool, err error) {
	exists, err := clusterExists(ctx, clusterName)
	if err != nil {
		return false, err
	}
	if exists {
		err = command(ctx, "kind", "export", "kubeconfig", "--name", clusterName)
	} else {
		created, err = true, create(ctx, os.Getenv("E2E_CLUSTER_UP"), "--config", "deploy/kind.yaml")
	}
	if err != nil {
		return created, err
	}
	return created, nodesReady(ctx, clusterName)
}

// create runs a shell command that creates a cluster or, if that is empty, kind.
func create(ctx context.Context, up string, args ...string) error {
	if up != "" {
		return command(ctx, "sh", "-c", up)
	}
	args = append([]string{"create", "cluster", "--wait", "180s"}, args...)
	if image := os.Getenv("KIND_IMAGE"); image != "" {
		args = append(args, "--image", image)
	}
	return command(ctx, "kind", args...)
}

func clusterExists(ctx context.Context, name string) (bool, error) {
	clusters, err := exec.CommandContext(ctx, "kind", "get", "clusters").Output()
	if err != nil {
		return false, fmt.Errorf("kind get clusters: %w", withStderr(err))
	}
	return slices.Contains(strings.Fields(string(clusters)), name), nil
}

func nodesReady(ctx context.Context, name string) error {
	return command(ctx, "kubectl", "--context", "kind-"+name, "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s")
}

// noCluster says that there is none, and returns the exit code: 0 if the environment allows for that and it is
// not the fault of how we create one.
func noCluster(ctx context.Context, created bool, reason error) int {
	if os.Getenv("E2E_ALLOW_NO_CLUSTER") != "1" {
		fmt.Fprintf(os.Stderr, "E2E NOT RUN: there is no cluster: %v\n", reason)
		return 1
	}
	if created {
		if err := command(ctx, "kind", "delete", "cluster", "--name", clusterName); err != nil { // it may hold ports
			reason = errors.Join(reason, err)
		}
		other := bareFails(ctx)
		if ctx.Err() != nil {
			return interrupted
		}
		if other == nil {
			fmt.Fprintf(os.Stderr, "E2E FAILED: a cluster comes up here, but not with deploy/kind.yaml: %v\n", reason)
			return 1
		}
		reason = fmt.Errorf("%w; and without deploy/kind.yaml: %w", reason, other)
	}
	fmt.Fprintf(os.Stderr, "E2E NOT RUN: there is no cluster: %v\n", reason)
	return 0
}

// bareFails creates a cluster without our configuration and deletes it again. Nil: it came up, so the fault that
// ours did not is our own. A port that somebody else has is not.
func bareFails(ctx context.Context) (err error) {
	for _, address := range []string{callerURL, jaegerURL} {
		at, err := url.Parse(address)
		if err != nil {
			return err
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at.Host)
		if err != nil {
			return err
		}
		_ = l.Close()
	}
	up := os.Getenv("E2E_BARE_CLUSTER_UP")
	if up == "" && os.Getenv("E2E_CLUSTER_UP") != "" {
		return errors.New("nobody has said how: E2E_BARE_CLUSTER_UP is empty, and E2E_CLUSTER_UP is not")
	}
	if exists, err := clusterExists(ctx, bareName); err != nil || exists {
		return errors.Join(err, fmt.Errorf("a cluster %s is there already: %t", bareName, exists))
	}
	if err := os.Setenv("KIND_CLUSTER_NAME", bareName); err != nil { // kind's own name for it
		return err
	}
	defer func() {
		_ = os.Unsetenv("KIND_CLUSTER_NAME")
		if e := command(context.WithoutCancel(ctx), "kind", "delete", "cluster", "--name", bareName); e != nil {
			err = errors.Join(err, e)
		}
	}()
	if err := create(ctx, up, bareImage()...); err != nil {
		return err
	}
	return nodesReady(ctx, bareName)
}

// bareImage is the node image that deploy/kind.yaml has, which may be the only one that can be had, as kind's
// arguments; none if it has none, or KIND_IMAGE another.
func bareImage() []string {
	text, err := os.ReadFile(filepath.Join(root, "deploy/kind.yaml"))
	image := regexp.MustCompile(`(?m)^ *image: (\S+)$`).FindSubmatch(text)
	if err != nil || image == nil || os.Getenv("KIND_IMAGE") != "" {
		return nil
	}
	return []string{"--image", string(image[1])}
}

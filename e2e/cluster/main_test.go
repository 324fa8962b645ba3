// Package cluster tests the cluster the way its user meets it: `make up`, HTTP on 127.0.0.1, kubectl, and
// Jaeger's query API. `make e2e` runs it. It uses a cluster named reliability if there is one, else it creates
// one and deletes it afterwards. From the environment:
//
//	OVERLAY               the kustomize overlay to apply; local if unset
//	E2E_CLUSTER_UP        a shell command that creates the cluster, run in the repository's root;
//	                      if unset, kind create cluster --config deploy/kind.yaml
//	E2E_KEEP_CLUSTER      1 keeps a cluster that the tests created
//	E2E_ALLOW_NO_CLUSTER  1 makes "no cluster can be created here" a success, with a loud line
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	root        = "../.."
	clusterName = "reliability"
	kubeContext = "kind-" + clusterName
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	// A kubeconfig of our own: the tests neither use nor change which cluster the developer is looking at.
	dir, err := os.MkdirTemp("", "reliability-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv("KUBECONFIG", filepath.Join(dir, "kubeconfig")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	created, err := clusterUp(ctx)
	if created && os.Getenv("E2E_KEEP_CLUSTER") != "1" {
		// Not under ctx: what was created goes away also after an interrupt.
		defer func() {
			if err := command(context.Background(), "kind", "delete", "cluster", "--name", clusterName); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "E2E NOT RUN: there is no cluster: %v\n", err)
		if os.Getenv("E2E_ALLOW_NO_CLUSTER") == "1" {
			return 0
		}
		return 1
	}

	// From here on every failure is ours.
	start := time.Now()
	if err := command(ctx, "make", "up", "TILT=", "OVERLAY="+overlay()); err != nil {
		fmt.Fprintf(os.Stderr, "make up: %v\n", err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "make up: %.1f s\n", time.Since(start).Seconds())
	return m.Run()
}

// clusterUp makes sure that there is a cluster and that the kubeconfig knows it. It reports whether it created one.
func clusterUp(ctx context.Context) (created bool, err error) {
	clusters, err := exec.CommandContext(ctx, "kind", "get", "clusters").Output()
	if err != nil {
		return false, fmt.Errorf("kind get clusters: %w", withStderr(err))
	}
	if slices.Contains(strings.Fields(string(clusters)), clusterName) {
		err = command(ctx, "kind", "export", "kubeconfig", "--name", clusterName)
	} else if up := os.Getenv("E2E_CLUSTER_UP"); up != "" {
		created, err = true, command(ctx, "sh", "-c", up)
	} else {
		create := []string{"create", "cluster", "--config", "deploy/kind.yaml", "--wait", "180s"}
		if image := os.Getenv("KIND_IMAGE"); image != "" {
			create = append(create, "--image", image)
		}
		created, err = true, command(ctx, "kind", create...)
	}
	if err != nil {
		return created, err
	}
	if _, err := kubectl(ctx, "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s"); err != nil {
		return created, err
	}
	return created, nil
}

func overlay() string {
	if o := os.Getenv("OVERLAY"); o != "" {
		return o
	}
	return "local"
}

// command runs a command in the repository's root, its output on ours.
func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = root
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}

// kubectl runs kubectl in the repository's root, at our cluster and namespace, and returns what it printed.
func kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "kubectl", append([]string{"--context", kubeContext, "-n", "reliability"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), withStderr(err))
	}
	return string(out), nil
}

// withStderr adds what a command said on its standard error to its error.
func withStderr(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

package world

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kube is the namespace of a cluster, by kubectl: replicas are scaled, deleted and rolled as
// a person would. The context is always named, whatever kubectl's current one is.
type Kube struct {
	Context   string
	Namespace string
	// Kubectl runs it with these arguments and returns what it prints. Nil: the program.
	Kubectl func(ctx context.Context, args ...string) (string, error)
}

func (k *Kube) run(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"--context", k.Context, "--namespace", k.Namespace}, args...)
	if k.Kubectl != nil {
		return k.Kubectl(ctx, args...)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil { // it was killed, which says nothing of why
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Replicas is how many replicas a Deployment is to have.
func (k *Kube) Replicas(ctx context.Context, deployment string) (int, error) {
	out, err := k.run(ctx, "get", "deployment/"+deployment, "--output", "jsonpath={.spec.replicas}")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(out))
}

// Scale sets how many replicas it is to have, and does not wait for them.
func (k *Kube) Scale(ctx context.Context, deployment string, replicas int) error {
	_, err := k.run(ctx, "scale", "deployment/"+deployment, "--replicas", strconv.Itoa(replicas))
	return err
}

// EnvOf is the value of an environment variable of a Deployment's containers; "" where there is none.
func (k *Kube) EnvOf(ctx context.Context, deployment, name string) (string, error) {
	return k.run(ctx, "get", "deployment/"+deployment, "--output", `jsonpath={.spec.template.spec.containers[*].env[?(@.name=="`+name+`")].value}`)
}

// Env sets an environment variable of a Deployment, or removes it where value is "", and
// waits until all replicas have been replaced.
func (k *Kube) Env(ctx context.Context, deployment, name, value string) error {
	set := name + "=" + value
	if value == "" {
		set = name + "-"
	}
	if _, err := k.run(ctx, "set", "env", "deployment/"+deployment, set); err != nil {
		return err
	}
	return k.RolledOut(ctx, deployment)
}

// Restart replaces every replica, one after the other, and does not wait.
func (k *Kube) Restart(ctx context.Context, deployment string) error {
	_, err := k.run(ctx, "rollout", "restart", "deployment/"+deployment)
	return err
}

// RolledOut waits until a Deployment is as it is to be.
func (k *Kube) RolledOut(ctx context.Context, deployment string) error {
	_, err := k.run(ctx, "rollout", "status", "deployment/"+deployment, "--timeout", "3m")
	return err
}

// Delete deletes a pod and does not wait. Forced, it is not told to end, but killed.
func (k *Kube) Delete(ctx context.Context, pod string, forced bool) error {
	args := []string{"delete", "pod/" + pod, "--wait=false"}
	if forced {
		args = append(args, "--grace-period=0", "--force")
	}
	_, err := k.run(ctx, args...)
	return err
}

// Pods are the names of the pods with a label that are to stay, sorted.
func (k *Kube) Pods(ctx context.Context, selector string) ([]string, error) {
	out, err := k.run(ctx, "get", "pods", "--selector", selector, "--output",
		`go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}`)
	pods := strings.Fields(out)
	slices.Sort(pods)
	return pods, err
}

// Settle calls until every pod with the label has answered and, for as long as quiet, no
// other: until then new replicas are not yet known, and old ones still are. It gives up
// after limit.
func (k *Kube) Settle(ctx context.Context, selector string, want int, quiet, limit time.Duration, servedBy func(ctx context.Context) (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	const pause = 10 * time.Millisecond
	seen, since := map[string]bool{}, time.Now()
	pods, err := k.Pods(ctx, selector)
	if err != nil {
		return err
	}
	for {
		pod, err := servedBy(ctx)
		if err != nil {
			return fmt.Errorf("%d pods with %s: %w", want, selector, err)
		}
		if !slices.Contains(pods, pod) || len(pods) != want {
			if pods, err = k.Pods(ctx, selector); err != nil {
				return err
			}
			clear(seen)
			since = time.Now()
		}
		if slices.Contains(pods, pod) {
			seen[pod] = true
		}
		if len(pods) == want && len(seen) == want && time.Since(since) >= quiet {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%d pods with %s: after %v there are %v, of which %d have answered", want, selector, limit, pods, len(seen))
		}
	}
}

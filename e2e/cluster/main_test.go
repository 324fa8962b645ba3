package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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

// interrupted is the exit code after a signal, as a shell has it for Ctrl-C.
const interrupted = 130

func run(m *testing.M) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once, whatever is left then

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

	begun := time.Now()
	created, err := clusterUp(ctx)
	if created && os.Getenv("E2E_KEEP_CLUSTER") != "1" {
		// Not under ctx: what was created goes away also after an interrupt.
		defer func() {
			if err := down(context.WithoutCancel(ctx)); err != nil {
				fmt.Fprintf(os.Stderr, "make down: %v\n", err)
				code = max(code, 1)
			}
		}()
	}
	if ctx.Err() != nil {
		return interrupted
	}
	if err != nil {
		return noCluster(ctx, created, err)
	}

	// From here on every failure is ours.
	if err := ready(ctx, created, begun); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if ctx.Err() != nil {
			return interrupted
		}
		return 1
	}
	// The tests know nothing of ctx. Those that still run when it ends go with the process.
	ended := make(chan int, 1)
	go func() { ended <- m.Run() }()
	select {
	case code := <-ended:
		return code
	case <-ctx.Done():
		fmt.Fprintf(os.Stderr, "INTERRUPTED: %v\n", context.Cause(ctx))
		if !created {
			fmt.Fprintln(os.Stderr, "the cluster is as a test has left it: `make reset` turns all dials back")
		}
		return interrupted
	}
}

// ready brings up what the tests are about, with nothing dialled.
func ready(ctx context.Context, created bool, begun time.Time) error {
	if !created { // its pods may have been through a reboot
		if err := rememberRestarts(ctx); err != nil {
			return err
		}
	}
	start := time.Now()
	if err := command(ctx, "make", "up", "TILT=", "OVERLAY="+overlay()); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "MEASURED make up: %s\n", since(start))
	if created {
		fmt.Fprintf(os.Stderr, "MEASURED from no cluster to the first call whose trace is in Jaeger: %s\n", since(begun))
		return nil
	}
	return command(ctx, "make", "-s", "reset", "OVERLAY="+overlay()) // its user may have dialled
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
	// A group of its own, which ends as a whole: whatever it has started must not go on behind the back of make down.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
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

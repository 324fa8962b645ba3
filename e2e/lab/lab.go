// Package lab builds cmd/lab and runs it on free ports, in a process of its own, for those
// who meet it from outside as its users do.
package lab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// patience is how long the lab may take to end; its own grace is two seconds.
const patience = 10 * time.Second

// A Lab is one that runs, or ran: after End it can be started again where it was.
type Lab struct {
	Addresses

	binary         string
	flags, environ []string
	process        *os.Process
	ended          chan struct{} // closed when the process is gone; err is settled then
	err            error
	logs           tail
}

// Root is the repository's root, as seen from anywhere in the module e2e.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(filepath.Dir(strings.TrimSpace(string(out)))), nil
}

// Build compiles cmd/lab into dir and returns the binary.
func Build(ctx context.Context, dir string) (string, error) {
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "lab")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/lab")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return binary, nil
}

// Start runs a binary that Build made, on free ports, and without load unless the flags say
// otherwise. What configures a lab is taken from environ alone, not from this process's
// environment, so that every run is the same. The lab ends with ctx at the latest.
func Start(ctx context.Context, binary string, flags, environ []string) (*Lab, error) {
	l := &Lab{binary: binary, flags: flags, environ: append(slices.DeleteFunc(os.Environ(), configures), environ...)}
	const free = "//127.0.0.1:0"
	if err := l.run(ctx, Addresses{Page: free, Flaky: free, Admin: free, FlakyAdmin: free}); err != nil {
		return nil, err
	}
	return l, nil
}

func configures(variable string) bool {
	return slices.ContainsFunc([]string{"CALLER_", "FLAKY_", "OTEL_"}, func(prefix string) bool { return strings.HasPrefix(variable, prefix) })
}

// Restart starts a lab that has ended, at the same addresses.
func (l *Lab) Restart(ctx context.Context) error {
	<-l.ended
	return l.run(ctx, l.Addresses)
}

func (l *Lab) run(ctx context.Context, at Addresses) error {
	args := []string{"--load", "0"}
	for flag, address := range map[string]string{"--addr": at.Page, "--flaky-addr": at.Flaky, "--caller-admin-addr": at.Admin, "--flaky-admin-addr": at.FlakyAdmin} {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		args = append(args, flag, u.Host)
	}
	cmd := exec.CommandContext(ctx, l.binary, append(args, l.flags...)...)
	cmd.Env = l.environ
	cmd.Stderr = &l.logs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended, greeted := make(chan struct{}), make(chan Addresses, 1)
	l.process, l.ended = cmd.Process, ended
	go func() {
		defer close(ended)
		listen(stdout, greeted)
		if l.err = cmd.Wait(); ctx.Err() != nil && errors.Is(l.err, ctx.Err()) {
			l.err = nil // orderly, as asked
		}
	}()
	select {
	case l.Addresses = <-greeted:
		return nil
	case <-ended:
		return fmt.Errorf("the lab ended (%w) before it said where it is; its last logs:\n%s", l.err, l.logs.String())
	}
}

// End interrupts the lab, as Ctrl-C does, and returns when it is gone. What is not gone
// in time is killed, which is an error.
func (l *Lab) End() error {
	_ = l.process.Signal(os.Interrupt) // gone already: err says how
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-l.ended:
		return l.err
	case <-late.C:
		l.Kill()
		return fmt.Errorf("the lab did not end within %v of an interrupt; its last logs:\n%s", patience, l.logs.String())
	}
}

// Kill ends the lab without a word to anybody.
func (l *Lab) Kill() {
	_ = l.process.Kill()
	<-l.ended
}

// Signal sends the lab a signal, as kill does.
func (l *Lab) Signal(s os.Signal) error { return l.process.Signal(s) }

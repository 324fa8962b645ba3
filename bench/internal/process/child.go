// Package process runs what is measured in a process of its own, so that either end of each
// connection counts towards another process's limit of open files, which Go has raised as
// far as it may, and so that memory is counted for one service alone.
//
// A child is the same program, called with [Arg] and what it is to be. It speaks JSON
// lines: first a greeting, then an answer to each line that it reads. It ends with its
// standard input, so that it never outlives its parent.
package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Arg is a child's first argument.
const Arg = "-serve"

// Serve is a child's life: it returns when there is nothing more to read.
func Serve(stdin io.Reader, stdout io.Writer, greeting any, answer func(line string) (any, error)) error {
	out := json.NewEncoder(stdout)
	if err := out.Encode(greeting); err != nil {
		return err
	}
	for in := bufio.NewScanner(stdin); in.Scan(); {
		a, err := answer(in.Text())
		if err != nil {
			return err
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// A Child is a process, seen from its parent. It is asked by one goroutine at a time.
type Child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *json.Decoder
}

// Start returns when the child has sent its greeting.
func Start(ctx context.Context, stderr io.Writer, greeting any, args ...string) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &Child{cmd: exec.CommandContext(ctx, self, append([]string{Arg}, args...)...)}
	c.cmd.Stderr = stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(stdout)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.out.Decode(greeting); err != nil {
		return nil, errors.Join(fmt.Errorf("the child process did not start: %w", err), c.End())
	}
	return c, nil
}

// Ask sends a line and waits for the answer.
func (c *Child) Ask(line string, answer any) error {
	_, err := io.WriteString(c.stdin, line+"\n")
	if err == nil {
		err = c.out.Decode(answer)
	}
	if err != nil {
		return fmt.Errorf("the child process does not answer %q: %w", line, err)
	}
	return nil
}

// Kill ends the child without its doing.
func (c *Child) Kill() error { return c.cmd.Process.Kill() }

// End closes the child's standard input and waits for it.
func (c *Child) End() error {
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the child process ended with: %w", err)
	}
	return nil
}

// poll is how often Until asks.
const poll = 20 * time.Millisecond

var errTooLong = errors.New("too long")

// Until asks for answers until one is as it should be, and returns the last one: one that
// is not, if that took too long.
func Until[A any](ctx context.Context, limit time.Duration, ask func() (A, error), done func(A) bool) (A, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		a, err := ask()
		if err != nil || done(a) {
			return a, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errTooLong) {
				return a, nil
			}
			return a, context.Cause(ctx)
		}
	}
}

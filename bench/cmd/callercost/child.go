package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"reliability/bench/internal/process"
	"reliability/bench/internal/server"
)

// What a child process may be.
const (
	beCaller  = "caller"  // with CALLER_* variables
	beReaders = "readers" // with caller's address
)

// be is a child's whole life.
func be(ctx context.Context, what string, args []string, stdin io.Reader, stdout io.Writer) error {
	switch {
	case what == beCaller:
		return serveCaller(ctx, args, stdin, stdout)
	case what == beReaders && len(args) == 1:
		return holdReaders(ctx, args[0], stdin, stdout)
	}
	return fmt.Errorf("no child process is %q of %q", what, args)
}

func serveCaller(ctx context.Context, environ []string, stdin io.Reader, stdout io.Writer) error {
	s, err := server.Start(ctx, "caller", server.Caller(environ...))
	if err != nil {
		return err
	}
	err = process.Serve(stdin, stdout, s.Addr(), func(string) (any, error) { return process.TakeStats(), nil })
	return errors.Join(err, s.End())
}

const (
	backAfter = 15 * time.Second       // by when nothing may be left of what has ended
	quiet     = 100 * time.Millisecond // for how long caller must be the same to be at rest
)

// A callerProcess is caller in a process of its own.
type callerProcess struct {
	*process.Child
	addr string
}

// startCaller starts one that calls a dependency at an address.
func startCaller(ctx context.Context, stderr io.Writer, dependency string, environ ...string) (*callerProcess, error) {
	c := &callerProcess{}
	var err error
	args := append([]string{beCaller, "CALLER_UPSTREAM_URL=http://" + dependency + "/work"}, environ...)
	c.Child, err = process.Start(ctx, stderr, &c.addr, args...)
	return c, err
}

// rest waits until caller is at rest, and returns its stats: they stay the same for a while.
func (c *callerProcess) rest(ctx context.Context, while time.Duration) (process.Stats, error) {
	var last process.Stats
	since := time.Now()
	return c.until(ctx, func(now process.Stats) bool {
		if now.Goroutines != last.Goroutines || now.Files != last.Files {
			last, since = now, time.Now()
		}
		return time.Since(since) >= while
	})
}

// until waits for stats to be as they should be, and returns the last ones.
func (c *callerProcess) until(ctx context.Context, done func(process.Stats) bool) (process.Stats, error) {
	return process.Until(ctx, backAfter, c.stats, done)
}

func (c *callerProcess) stats() (s process.Stats, err error) {
	err = c.Ask("stats", &s)
	return s, err
}

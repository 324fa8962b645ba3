package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The server whose requests hang is a process of its own, so that either end of each
// connection counts towards another process's limit of open files, which Go has raised as
// far as it may. It speaks JSON lines: first its addresses, then an answer to each line
// that it reads. It ends with its standard input, so that it never outlives its parent.
const serveArg = "-serve"

type addresses struct{ Public, Admin string }

// stats are the server process's, after garbage collection.
type stats struct {
	Hanging    int64 // requests with neither an answer nor an end
	Goroutines int
	Heap       uint64 // bytes of live objects
	Stacks     uint64 // bytes in use
}

// beServer is the child's whole life.
func beServer(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	tel, err := newTelemetry(ctx)
	if err != nil {
		return err
	}
	var open openSpans
	tel.Tracers.RegisterSpanProcessor(&open)
	server, err := listenFlaky(tel)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()

	out := json.NewEncoder(stdout)
	err = out.Encode(addresses{server.Addr(), server.AdminAddr()})
	for in := bufio.NewScanner(stdin); err == nil && in.Scan(); {
		err = out.Encode(takeStats(&open))
	}
	stop()
	return errors.Join(err, <-ended)
}

func takeStats(open *openSpans) stats {
	runtime.GC()
	runtime.GC() // what the first one found in a sync.Pool is still there
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return stats{open.Load(), runtime.NumGoroutine(), m.HeapAlloc, m.StackInuse}
}

// openSpans counts the spans that have begun and not ended: one for each request.
type openSpans struct{ atomic.Int64 }

func (o *openSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) { o.Add(1) }
func (o *openSpans) OnEnd(sdktrace.ReadOnlySpan)                     { o.Add(-1) }
func (o *openSpans) Shutdown(context.Context) error                  { return nil }
func (o *openSpans) ForceFlush(context.Context) error                { return nil }

// A child is the server process, seen from here.
type child struct {
	addresses

	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *json.Decoder
}

func startChild(ctx context.Context, stderr io.Writer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self, serveArg)}
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
	if err := c.out.Decode(&c.addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("the server's process did not start: %w", err), c.end())
	}
	return c, nil
}

func (c *child) stats() (s stats, err error) {
	if _, err = io.WriteString(c.stdin, "stats\n"); err == nil {
		err = c.out.Decode(&s)
	}
	if err != nil {
		return s, fmt.Errorf("the server's process does not answer: %w", err)
	}
	return s, nil
}

// end closes the child's standard input and waits for it.
func (c *child) end() error {
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the server's process ended with: %w", err)
	}
	return nil
}

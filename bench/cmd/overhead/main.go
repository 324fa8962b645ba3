// Command overhead measures what flaky costs, and what it stands:
//
//   - the throughput of its GET /work without faults, beside a bare Gin handler with the
//     same answer and the same traces;
//   - how its control API answers while thousands of requests hang, and what is left of
//     them when their clients have gone.
//
// With the name of a FILE it writes the same there, with explanations:
//
//	go run ./cmd/overhead [-pairs 12] [-slice 1s] [-clients 8] [-hanging 10000] [FILE]
//
// It exits with 0 if every requirement is met, with 1 if one is missed, and with 2 if it
// could not measure or write.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"reliability/internal/serve"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	could := func(err error) int {
		if err == nil {
			return 0
		}
		_, _ = fmt.Fprintf(stderr, "overhead: %v\n", err)
		return 2
	}
	ctx, stop := serve.UntilSignal(context.Background())
	defer stop()
	if len(args) == 1 && args[0] == serveArg {
		return could(beServer(ctx, stdin, stdout))
	}
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil: // said already, with the usage
		return 2
	}
	r, err := measure(ctx, o, stderr)
	if err != nil {
		return could(err)
	}
	if _, err := fmt.Fprint(stdout, r.text()); err != nil {
		return could(err)
	}
	if o.file != "" {
		if err := r.write(o.file); err != nil {
			return could(err)
		}
		_, _ = fmt.Fprintf(stdout, "\nWritten to %s.\n", o.file)
	}
	if !r.ok() {
		return 1
	}
	return 0
}

// A report is all that was measured, and where.
type report struct {
	options

	Date          time.Time
	Cores, Procs  int
	OS, Arch, Go  string
	Flaky, Bare   []float64 // answers a second, a figure for each pair
	Ratio         estimate  // of flaky's throughput to bare's
	Control, Idle quantiles // of the control API, while requests hang and before
	Before        stats
	During        stats
	After         stats
	Back          time.Duration // how long it took to get from During to After
}

// measure does both. Nothing else runs in this process while it does.
func measure(ctx context.Context, o options, stderr io.Writer) (*report, error) {
	r := &report{
		options: o, Date: time.Now(), Cores: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
	}
	if err := r.compare(ctx); err != nil {
		return nil, fmt.Errorf("throughput: %w", err)
	}
	if err := r.hang(ctx, stderr); err != nil {
		return nil, fmt.Errorf("hanging requests: %w", err)
	}
	return r, nil
}

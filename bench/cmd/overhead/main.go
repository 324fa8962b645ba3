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
	"fmt"
	"io"
	"os"
	"time"

	"reliability/bench/internal/command"
	"reliability/bench/internal/process"
	"reliability/bench/internal/statistics"
	"reliability/internal/serve"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	ctx, stop := serve.UntilSignal(context.Background())
	defer stop()
	if len(args) == 1 && args[0] == process.Arg {
		return command.Could("overhead", beServer(ctx, stdin, stdout), stderr)
	}
	return command.Command[options]{Name: "overhead", Parse: parse, Measure: measure}.Run(ctx, args, stdout, stderr)
}

// A report is all that was measured, and where.
type report struct {
	options
	command.Setting

	Throughput    statistics.Comparison // of flaky and bare, in answers a second
	Control, Idle statistics.Quantiles  // of the control API, while requests hang and before
	Before        stats
	During        stats
	After         stats
	Back          time.Duration // how long it took to get from During to After
}

// measure does both. Nothing else runs in this process while it does.
func measure(ctx context.Context, o options, stderr io.Writer) (command.Report, error) {
	r := &report{options: o, Setting: command.Here()}
	if err := r.compare(ctx); err != nil {
		return nil, fmt.Errorf("throughput: %w", err)
	}
	if err := r.hang(ctx, stderr); err != nil {
		return nil, fmt.Errorf("hanging requests: %w", err)
	}
	return r, nil
}

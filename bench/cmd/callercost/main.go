// Command callercost measures what caller's protection costs, and what caller stands:
//
//   - the throughput of its GET /call with the full chain, beside a bare Gin handler with a
//     plain http.Client, both traced, for each mode of connections to the dependency;
//   - how long its calls take while a thousand clients read its events and half of them are
//     stalled, and what each of these costs in memory;
//   - what is left in it after minutes of calls to upstreams that hang, reset, truncate, drip
//     and are dead.
//
// With the name of a FILE it writes the same there, with explanations:
//
//	go run ./cmd/callercost [-pairs 12] [-slice 1s] [-clients 8] [-readers 1000] [-rate 200] [-watch 2s]
//		[-soak 1m] [-soak-rate 500] [FILE]
//
// It exits with 0 if every requirement is met, with 1 if one is missed, and with 2 if it
// could not measure or write.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"reliability/bench/internal/command"
	"reliability/bench/internal/process"
	"reliability/internal/serve"
)

const name = "callercost"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	ctx, stop := serve.UntilSignal(context.Background())
	defer stop()
	if len(args) > 1 && args[0] == process.Arg {
		return command.Could(name, be(ctx, args[1], args[2:], stdin, stdout), stderr)
	}
	return command.Command[options]{Name: name, Parse: parse, Measure: measure}.Run(ctx, args, stdout, stderr)
}

// A report is all that was measured, and where.
type report struct {
	options
	command.Setting

	Throughput []throughput // for each mode of connections
	Watched    watched
	Soaked     soaked
}

// measure does one after the other. Nothing else runs in this process while it does.
func measure(ctx context.Context, o options, stderr io.Writer) (command.Report, error) {
	r := &report{options: o, Setting: command.Here()}
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"throughput", func() error { return r.compare(ctx) }},
		{"readers of events", func() error { return r.watch(ctx, stderr) }},
		{"broken upstreams", func() error { return r.soak(ctx, stderr) }},
	} {
		if err := part.measure(); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return r, nil
}

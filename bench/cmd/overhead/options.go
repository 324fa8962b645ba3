package main

import (
	"fmt"
	"io"
	"time"

	"reliability/bench/internal/command"
)

// options are the command line.
type options struct {
	Pairs   int
	Slice   time.Duration
	Clients int
	Hanging int
	file    string
}

// command is the command line that would measure the same.
func (o options) command() string {
	return fmt.Sprintf("go run ./cmd/overhead -pairs %d -slice %v -clients %d -hanging %d", o.Pairs, o.Slice, o.Clients, o.Hanging)
}

// parse says on stderr what is wrong, and what would be right.
func parse(args []string, stderr io.Writer) (options, error) {
	o := options{Pairs: 12, Slice: time.Second, Clients: 8, Hanging: 10000}
	f := command.Flags("overhead", "[-pairs 12] [-slice 1s] [-clients 8] [-hanging 10000] [FILE]", stderr)
	command.Number(f, "pairs", "`count` of pairs that are compared: each is four slices, of flaky, bare, bare, flaky", &o.Pairs, 10, 1000)
	// An idle connection is closed after two minutes, and one idles for two slices.
	command.Duration(f, "slice", "`duration` of one measurement of one server", &o.Slice, time.Millisecond, 30*time.Second)
	command.Number(f, "clients", "`count` of connections, each with one request at a time", &o.Clients, 1, 256)
	command.Number(f, "hanging", "`count` of requests that hang", &o.Hanging, 1, 20000)
	var err error
	o.file, err = command.Parse(f, args)
	return o, err
}

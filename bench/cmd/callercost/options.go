package main

import (
	"fmt"
	"io"
	"time"

	"reliability/bench/internal/command"
)

// options are the command line.
type options struct {
	Pairs    int
	Slice    time.Duration
	Clients  int
	Readers  int
	Rate     int
	Watch    time.Duration
	Soak     time.Duration
	SoakRate int
	file     string
}

func defaults() options {
	return options{
		Pairs: 12, Slice: time.Second, Clients: 8, Readers: 1000, Rate: 200, Watch: 2 * time.Second,
		Soak: time.Minute, SoakRate: 500,
	}
}

// flags are the command line without the FILE.
func (o options) flags() string {
	return fmt.Sprintf("-pairs %d -slice %v -clients %d -readers %d -rate %d -watch %v -soak %v -soak-rate %d",
		o.Pairs, o.Slice, o.Clients, o.Readers, o.Rate, o.Watch, o.Soak, o.SoakRate)
}

// parse says on stderr what is wrong, and what would be right.
func parse(args []string, stderr io.Writer) (o options, err error) {
	o = defaults()
	f := command.Flags(name, o.flags()+" [FILE]", stderr)
	command.Number(f, "pairs", "`count` of pairs that are compared: each is four slices, of one, other, other, one", &o.Pairs, 10, 1000)
	// An idle connection is closed after two minutes, and one idles for two slices.
	command.Duration(f, "slice", "`duration` of one measurement of throughput", &o.Slice, time.Millisecond, 30*time.Second)
	command.Number(f, "clients", "`count` of connections that press for throughput, each with one call at a time", &o.Clients, 1, 256)
	command.Number(f, "readers", "`count` of readers of events, every other one stalled", &o.Readers, 2, 2000)
	command.Number(f, "rate", "`calls` a second while events are read", &o.Rate, 1, 10000)
	command.Duration(f, "watch", "`duration` of one measurement of latency", &o.Watch, 10*time.Millisecond, 30*time.Second)
	command.Duration(f, "soak", "`duration` of the calls to each broken upstream", &o.Soak, 400*time.Millisecond, time.Hour)
	command.Number(f, "soak-rate", "`calls` a second to broken upstreams", &o.SoakRate, 1, 5000)
	o.file, err = command.Parse(f, args)
	return o, err
}

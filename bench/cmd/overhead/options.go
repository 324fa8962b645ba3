package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"
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
	f := flag.NewFlagSet("overhead", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: go run ./cmd/overhead [-pairs 12] [-slice 1s] [-clients 8] [-hanging 10000] [FILE]")
		f.PrintDefaults()
	}
	number(f, "pairs", "`count` of pairs that are compared: each is four slices, of flaky, bare, bare, flaky", &o.Pairs, 10, 1000)
	// An idle connection is closed after two minutes, and one idles for two slices.
	f.Var(&bounded[time.Duration]{&o.Slice, time.Millisecond, 30 * time.Second, time.ParseDuration, "a duration"},
		"slice", "`duration` of one measurement of one server")
	number(f, "clients", "`count` of connections, each with one request at a time", &o.Clients, 1, 256)
	number(f, "hanging", "`count` of requests that hang", &o.Hanging, 1, 20000)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 1 {
		err := fmt.Errorf("FILE is %q: must be one name, after all flags", f.Args())
		_, _ = fmt.Fprintln(stderr, err)
		f.Usage()
		return o, err
	}
	o.file = f.Arg(0)
	return o, nil
}

func number(f *flag.FlagSet, name, usage string, value *int, least, most int) {
	f.Var(&bounded[int]{value, least, most, strconv.Atoi, "a whole number"}, name, usage)
}

// bounded is a flag.Value with bounds.
type bounded[T cmp.Ordered] struct {
	value       *T
	least, most T
	parse       func(string) (T, error)
	kind        string
}

func (b *bounded[T]) String() string {
	if b.value == nil { // flag asks one of its own making
		return ""
	}
	return fmt.Sprint(*b.value)
}

func (b *bounded[T]) Set(text string) error {
	v, err := b.parse(text)
	if err != nil || v < b.least || v > b.most {
		return fmt.Errorf("must be %s from %v to %v", b.kind, b.least, b.most)
	}
	*b.value = v
	return nil
}

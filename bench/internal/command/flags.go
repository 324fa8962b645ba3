package command

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Flags returns a set that says on stderr what is wrong, and what would be right.
func Flags(name, usage string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "usage: go run ./cmd/%s %s\n", name, usage)
		f.PrintDefaults()
	}
	return f
}

// Parse returns the only argument that there may be, the name of a FILE.
func Parse(f *flag.FlagSet, args []string) (file string, err error) {
	if err := f.Parse(args); err != nil {
		return "", err
	}
	if f.NArg() > 1 {
		err := fmt.Errorf("FILE is %q: must be one name, after all flags", f.Args())
		_, _ = fmt.Fprintln(f.Output(), err)
		f.Usage()
		return "", err
	}
	return f.Arg(0), nil
}

// Number adds a flag that is a whole number, with bounds.
func Number(f *flag.FlagSet, name, usage string, value *int, least, most int) {
	f.Var(&bounded[int]{value, least, most, strconv.Atoi, "a whole number"}, name, usage)
}

// Duration adds a flag that is a duration, with bounds.
func Duration(f *flag.FlagSet, name, usage string, value *time.Duration, least, most time.Duration) {
	f.Var(&bounded[time.Duration]{value, least, most, time.ParseDuration, "a duration"}, name, usage)
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

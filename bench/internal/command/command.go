// Package command is what every measuring command does: options, measurement, report,
// verdict.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

// A Report is what was measured.
type Report interface {
	Text() string          // for the terminal
	Page() ([]byte, error) // the same, with explanations
	File() string          // where to write the page, or ""
	Met() bool             // whether every requirement is
}

// A Command measures. O are its options.
type Command[O any] struct {
	Name    string
	Parse   func(args []string, stderr io.Writer) (O, error) // says itself what is wrong
	Measure func(ctx context.Context, o O, stderr io.Writer) (Report, error)
}

// Run returns the exit code: 0 if every requirement is met, 1 if one is missed, and 2 if it
// could not measure or write.
func (c Command[O]) Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := c.Parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	r, err := c.Measure(ctx, o, stderr)
	if err == nil {
		err = publish(r, stdout)
	}
	switch {
	case err != nil:
		return Could(c.Name, err, stderr)
	case !r.Met():
		return 1
	}
	return 0
}

// Could returns the exit code for an error that may be nil, and says it.
func Could(name string, err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return 2
}

func publish(r Report, stdout io.Writer) error {
	if _, err := fmt.Fprint(stdout, r.Text()); err != nil || r.File() == "" {
		return err
	}
	page, err := r.Page()
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.File(), page, 0o644); err != nil { //nolint:gosec // a page for everybody to read
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nWritten to %s.\n", r.File())
	return err
}

// A Setting is when and where something was measured.
type Setting struct {
	Date         time.Time
	Cores, Procs int
	OS, Arch, Go string
}

// Here is the setting of this process.
func Here() Setting {
	return Setting{
		Date: time.Now(), Cores: runtime.NumCPU(), Procs: runtime.GOMAXPROCS(0),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
	}
}

// Describe says it in one line.
func (s Setting) Describe() string {
	return fmt.Sprintf("%s: %d cores (GOMAXPROCS %d), %s/%s, %s",
		s.Date.Format(time.DateOnly), s.Cores, s.Procs, s.OS, s.Arch, s.Go)
}

package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type options struct {
	Size int
	Wait time.Duration
	file string
}

func (o options) Text() string { return fmt.Sprintln(o.Size, o.Wait) }
func (o options) Page() ([]byte, error) {
	if o.Size == 13 {
		return nil, errors.New("no such floor")
	}
	return []byte("# " + o.Text()), nil
}
func (o options) File() string { return o.file }
func (o options) Met() bool    { return o.Size < 5 }

// run measures nothing: what is reported are the options.
func run(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = Command[options]{
		Name: "measure",
		Parse: func(args []string, stderr io.Writer) (o options, err error) {
			o = options{Size: 1, Wait: time.Second}
			f := Flags("measure", "[-size 1] [-wait 1s] [FILE]", stderr)
			Number(f, "size", "`count` of them", &o.Size, 1, 20)
			Duration(f, "wait", "`duration` of each", &o.Wait, time.Millisecond, time.Minute)
			o.file, err = Parse(f, args)
			return o, err
		},
		Measure: func(_ context.Context, o options, _ io.Writer) (Report, error) {
			if o.Size == 7 {
				return nil, errors.New("it broke")
			}
			return o, nil
		},
	}.Run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), code
}

func TestCodes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	for _, c := range []struct {
		args           []string
		stdout, stderr string
		code           int
	}{
		{nil, "1 1s\n", "", 0},
		{[]string{"-size", "4", "-wait", "5ms", file}, "4 5ms\n\nWritten to " + file + ".\n", "", 0},
		{[]string{"-size", "5"}, "5 1s\n", "", 1},
		{[]string{"-size", "7"}, "", "measure: it broke\n", 2},
		{[]string{"-size", "13", file}, "13 1s\n", "measure: no such floor\n", 2},
		{[]string{filepath.Dir(file)}, "1 1s\n", "measure: open " + filepath.Dir(file) + ": is a directory\n", 2},
	} {
		stdout, stderr, code := run(c.args...)
		if stdout != c.stdout || stderr != c.stderr || code != c.code {
			t.Errorf("%q: exit code %d, printed %q, complained %q; want %d, %q, %q", c.args, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
	if page, err := os.ReadFile(file); err != nil || string(page) != "# 4 5ms\n" {
		t.Errorf("the page is %q, %v", page, err)
	}
}

func TestUsage(t *testing.T) {
	const usage = "usage: go run ./cmd/measure [-size 1] [-wait 1s] [FILE]"
	for _, c := range []struct {
		args, first string
		code        int
	}{
		{"-h", usage, 0},
		{"-size 0", `invalid value "0" for flag -size: must be a whole number from 1 to 20`, 2},
		{"-size 21", `invalid value "21" for flag -size: must be a whole number from 1 to 20`, 2},
		{"-size few", `invalid value "few" for flag -size: must be a whole number from 1 to 20`, 2},
		{"-wait 5", `invalid value "5" for flag -wait: must be a duration from 1ms to 1m0s`, 2},
		{"-color red", "flag provided but not defined: -color", 2},
		{"page.md -size 2", `FILE is ["page.md" "-size" "2"]: must be one name, after all flags`, 2},
	} {
		stdout, stderr, code := run(strings.Fields(c.args)...)
		first, _, _ := strings.Cut(stderr, "\n")
		if code != c.code || stdout != "" || first != c.first || !strings.Contains(stderr, usage) {
			t.Errorf("%s: exit code %d, printed %q, complained %s", c.args, code, stdout, stderr)
		}
	}
}

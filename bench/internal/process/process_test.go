package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain is the child, too: it greets with what it was told to be, and answers with what
// it was asked.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Arg {
		err := Serve(os.Stdin, os.Stdout, os.Args[2:], func(line string) (any, error) {
			if line == "fail" {
				return nil, errors.New("as told")
			}
			return "you said " + line, nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestChild(t *testing.T) {
	var greeting []string
	c, err := Start(t.Context(), os.Stderr, &greeting, "this", "and that")
	if err != nil || len(greeting) != 2 || greeting[1] != "and that" {
		t.Fatalf("%q, %v", greeting, err)
	}
	for _, line := range []string{"one thing", "and another"} {
		var answer string
		if err := c.Ask(line, &answer); err != nil || answer != "you said "+line {
			t.Errorf("%q: %q, %v", line, answer, err)
		}
	}
	if err := c.End(); err != nil {
		t.Error(err)
	}
}

// TestTheChildDies: that is an error, not a wait.
func TestTheChildDies(t *testing.T) {
	var stderr strings.Builder
	var greeting []string
	c, err := Start(t.Context(), &stderr, &greeting)
	if err != nil {
		t.Fatal(err)
	}
	var answer string
	if err := c.Ask("fail", &answer); err == nil || !strings.Contains(err.Error(), `does not answer "fail"`) {
		t.Errorf("it answered %q, %v", answer, err)
	}
	if err := c.End(); err == nil || stderr.String() != "as told\n" {
		t.Errorf("%v, and said %q", err, &stderr)
	}
	var wrong int
	if _, err := Start(t.Context(), io.Discard, &wrong, "something else"); err == nil || !strings.Contains(err.Error(), "did not start") {
		t.Errorf("a greeting of another kind: %v", err)
	}
}

func TestUntil(t *testing.T) {
	n := 0
	ask := func() (int, error) { n++; return n, nil }
	if got, err := Until(t.Context(), time.Minute, ask, func(n int) bool { return n == 3 }); got != 3 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	never := func(int) bool { return false }
	if got, err := Until(t.Context(), time.Millisecond, ask, never); got < 4 || err != nil {
		t.Errorf("too long: %d, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Until(ctx, time.Minute, ask, never); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	broken := errors.New("broken")
	if _, err := Until(t.Context(), time.Minute, func() (int, error) { return 0, broken }, never); !errors.Is(err, broken) {
		t.Errorf("no answer: %v", err)
	}
}

func TestStats(t *testing.T) {
	before := TakeStats()
	var open []net.Listener
	for range 7 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, l)
	}
	kept := make([]byte, 8<<20)
	end := make(chan bool)
	for range 5 {
		go func() { <-end }()
	}
	during := TakeStats()
	close(end)
	for _, l := range open {
		_ = l.Close()
	}
	kept[0]++
	if before.Files != 0 && (before.Files < 3 || during.Files != before.Files+7) { // at least the standard ones
		t.Errorf("%d open files and then %d, with seven more", before.Files, during.Files)
	}
	if grown := int64(during.Heap) - int64(before.Heap); grown < 8<<20 || grown > 9<<20 {
		t.Errorf("8 MiB more are %d bytes", grown)
	}
	if during.Goroutines != before.Goroutines+5 {
		t.Errorf("%d goroutines and then %d, with five more", before.Goroutines, during.Goroutines)
	}
}

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestTheServerEndsWithItsInput: it does not outlive its parent, however that ends.
func TestTheServerEndsWithItsInput(t *testing.T) {
	var out bytes.Buffer
	if err := beServer(t.Context(), strings.NewReader("stats\nstats\n"), &out); err != nil || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("%v, with %q", err, &out)
	}
}

// TestTheServerDies: that is an error, not a wait.
func TestTheServerDies(t *testing.T) {
	c, err := startChild(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if s, err := c.until(t.Context(), func(stats) bool { return false }); err == nil {
		t.Errorf("it answered %+v", s)
	}
	if err := c.End(); err == nil {
		t.Error("its end was orderly")
	}
}

package bubble_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestOutsideOfGoTest: a program of its own, with arguments that testing must not read.
func TestOutsideOfGoTest(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "run", "./testdata/program", "--with", "arguments")
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{"an hour has passed", "two at once: true", "error: as it was", "panic: ouch", "canceled inside: true", "canceled: true"}
	for _, line := range want {
		if !strings.Contains(string(out), line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
}

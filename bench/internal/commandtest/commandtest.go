// Package commandtest runs measuring commands as their users do, and looks at what they say.
package commandtest

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"reliability/bench/internal/markdown"
)

// A Command is a main that returns its exit code.
type Command func(args []string, stdin io.Reader, stdout, stderr io.Writer) int

// Run runs it with nothing to read.
func (c Command) Run(args ...string) (stdout, stderr string, code int) {
	var out, errs shared
	code = c(args, strings.NewReader(""), &out, &errs)
	return out.b.String(), errs.b.String(), code
}

// shared is what several child processes write to, as they write to one file.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// Measures runs it with flags, and with a file for its page. The page must have the wanted
// texts and all that was printed, and the exit code be what the verdicts say.
func (c Command) Measures(t *testing.T, flags string, want ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.md")
	stdout, stderr, code := c.Run(append(strings.Fields(flags), file)...)
	if stderr != "" {
		t.Errorf("stderr: %s", stderr)
	}
	if want := map[bool]int{true: 1}[strings.Contains(stdout, markdown.Miss)]; code != want {
		t.Errorf("exit code %d, want %d as there is in\n%s", code, want, stdout)
	}
	page, err := os.ReadFile(file) //nolint:gosec // a name that was chosen here
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(want, flags+" "+file) {
		if !strings.Contains(string(page), text) {
			t.Errorf("no %q in\n%s", text, page)
		}
	}
	for table := range strings.SplitSeq(strings.TrimSuffix(stdout, "\nWritten to "+file+".\n"), "\n\n") {
		if !strings.Contains(string(page), strings.TrimSpace(table)) {
			t.Errorf("the page lacks what was printed:\n%s", table)
		}
	}
}

// Refuses runs it with arguments that it must complain of, and say how it is used.
func (c Command) Refuses(t *testing.T, args, complaint, usage string) {
	t.Helper()
	stdout, stderr, code := c.Run(strings.Fields(args)...)
	first, rest, _ := strings.Cut(stderr, "\n")
	if code != 2 || stdout != "" || first != complaint {
		t.Errorf("%s: exit code %d, printed %q, complained\n%s\nwant\n%s", args, code, stdout, first, complaint)
	}
	if !strings.HasPrefix(rest, usage) {
		t.Errorf("%s: no usage but %q", args, rest)
	}
}

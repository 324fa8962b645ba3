package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reliability/bench/internal/golden"
)

// TestSeveralRuns: they become tables, verdicts and a page.
func TestSeveralRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	stdout, stderr, code := runWith(t, input(t, "several.txt"), file)
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	golden.Compare(t, "several.stdout", strings.ReplaceAll(stdout, file, "PAGE"))
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "several.md", string(page))
}

// TestSmoke: one iteration is shown, but not judged, and leaves the page as it is.
func TestSmoke(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	stdout, stderr, code := runWith(t, input(t, "smoke.txt"), file)
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	golden.Compare(t, "smoke.stdout", stdout)
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("there is a page: %v", err)
	}
}

// TestFewRuns: neither is a single run judged, however long it was.
func TestFewRuns(t *testing.T) {
	first, _, _ := strings.Cut(input(t, "several.txt"), "PASS")
	stdout, _, code := runWith(t, first)
	if want := "No verdicts, and no page: not every benchmark was run 3 times"; code != 0 || !strings.Contains(stdout, want) {
		t.Errorf("exit code %d, no %q in\n%s", code, want, stdout)
	}
}

// TestNoPage: without a name nothing is written, as by `make bench BENCHDOC=`.
func TestNoPage(t *testing.T) {
	for _, args := range [][]string{nil, {""}} {
		stdout, stderr, code := runWith(t, input(t, "several.txt"), args...)
		if code != 0 || stderr != "" || strings.Contains(stdout, "Written") {
			t.Errorf("%q: exit code %d, %q\n%s", args, code, stderr, stdout)
		}
	}
}

// TestBadInput: what is no output of these benchmarks is refused, with the place.
func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct{ input, want string }{
		"empty":             {"", "table: no benchmark results on standard input\n"},
		"no results":        {"PASS\nok\n", "table: no benchmark results on standard input\n"},
		"no iterations":     {"PASS\nBenchmarkRetry/ours-2 many 3 ns/op\n", "table: standard input:2: parsing iteration count: invalid syntax\n"},
		"no figures":        {"BenchmarkRetry/ours-2 1000\n", "table: standard input:1: missing measurements\n"},
		"no unit":           {"BenchmarkRetry/ours-2 1000 3\n", "table: standard input:1: missing units\n"},
		"no allocations":    {"BenchmarkRetry/ours-2 1000 3 ns/op\n", "table: standard input:1: Retry/ours-2 does not say its B/op\n"},
		"no contender":      {"BenchmarkRetry-2 1000 3 ns/op\n", "table: standard input:1: Retry-2 compares no contenders\n"},
		"another benchmark": {"BenchmarkX/ours-2 1000 3 ns/op\n", "table: standard input:1: X/ours-2 is not among those that comparisons.go explains\n"},
		"several -cpu": {
			"BenchmarkRetry/ours-2 9 3 ns/op 0 B/op 0 allocs/op\nBenchmarkRetry/ours-4 9 3 ns/op 0 B/op 0 allocs/op\n",
			"table: standard input:2: Retry/ours-4 was measured as Retry/ours-2 before: they do not make one line\n",
		},
		"a failure": {
			"BenchmarkRetry/ours-2 1000 3 ns/op 0 B/op 0 allocs/op\n--- FAIL: BenchmarkRetry/avast\nFAIL\n",
			"table: standard input:2: a benchmark failed: --- FAIL: BenchmarkRetry/avast\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.md")
			stdout, stderr, code := runWith(t, c.input, file)
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, want 2, with nothing printed: %q", code, stdout)
			}
			if diff := cmp.Diff(c.want, stderr); diff != "" {
				t.Error(diff)
			}
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("there is a page: %v", err)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	if _, stderr, code := runWith(t, "", "a", "b"); code != 2 || !strings.HasPrefix(stderr, "usage: ") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// TestPageNotWritable: it could not do what it was asked for.
func TestPageNotWritable(t *testing.T) {
	if _, stderr, code := runWith(t, input(t, "several.txt"), t.TempDir()); code != 2 || stderr == "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// TestRequirementsNameBenchmarks: one that names none would never be measured.
func TestRequirementsNameBenchmarks(t *testing.T) {
	known := map[string]bool{}
	for _, c := range comparisons() {
		known[c.Name] = true
	}
	for _, q := range requirements() {
		for _, name := range []string{q.of, q.than} {
			if benchmark, _, _ := strings.Cut(name, "/"); !known[benchmark] {
				t.Errorf("%s is no benchmark", name)
			}
		}
	}
}

func runWith(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), code
}

func input(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

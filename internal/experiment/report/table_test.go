package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func tableOf(t *testing.T, results []Result, colour bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := (&table{colour: colour}).write(&b, results); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := Table(&b, sample(), false); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.txt", b.String())
}

// TestTableFits: no text makes a line wider than promised, and none can steer a terminal.
func TestTableFits(t *testing.T) {
	for line := range strings.SplitSeq(tableOf(t, append(sample(), hostile()), false), "\n") {
		if width := (gauge(columns)).of(line); width > tableWidth {
			t.Errorf("%v columns: %s", width, line)
		}
		if strings.ContainsAny(line, "\x1b\x00") {
			t.Errorf("a control character got through: %q", line)
		}
	}
}

// TestTableRepeats: a command that needs several lines is still one when it is pasted.
func TestTableRepeats(t *testing.T) {
	r := sample()[3]
	r.Repeat += " --caller " + strings.Repeat("x", 60)
	text := tableOf(t, []Result{r}, false)
	_, command, _ := strings.Cut(text, "repeat    ")
	command, _, _ = strings.Cut(command, "\n\n")
	if !strings.Contains(command, "\\\n") {
		t.Fatalf("not in several lines: %s", command)
	}
	if got := strings.Join(strings.Fields(strings.ReplaceAll(command, "\\\n", "")), " "); got != r.Repeat {
		t.Errorf("%s; want %s", got, r.Repeat)
	}
}

// TestTableColours: colour adds escapes and nothing else; a file is no terminal.
func TestTableColours(t *testing.T) {
	coloured, bare := tableOf(t, sample(), true), tableOf(t, sample(), false)
	if !strings.Contains(coloured, "\x1b[1;31m✗ fail\x1b[0m") || !strings.Contains(coloured, "\x1b[32m✓ pass\x1b[0m") {
		t.Error("what passed is not green, or what failed not red")
	}
	for _, code := range [...]string{"0", "2", "32", "33", "1;31"} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+code+"m", "")
	}
	if coloured != bare {
		t.Errorf("without its colours it is\n%s", coloured)
	}

	file, err := os.Create(filepath.Join(t.TempDir(), "table"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := Table(file, sample(), false); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file.Name()); err != nil || string(text) != bare {
		t.Errorf("%v: %s", err, text)
	}
}

func TestCount(t *testing.T) {
	want := Tally{Passed: 10, Failed: 1, Inconclusive: 1, Skipped: 1, Errors: 1}
	if got := Count(sample()); got != want {
		t.Errorf("%+v; want %+v", got, want)
	}
	if got, want := wholeOf(sample()), Fail; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got, want := wholeOf(sample()[:2]), Pass; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got, want := wholeOf(sample()[5:]), Inconclusive; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// TestElapsed: experiments that ran side by side took less than their sum, and one that
// never began took nothing.
func TestElapsed(t *testing.T) {
	began := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	results := []Result{{Began: began.Add(time.Second), Took: 3 * time.Second}, {Skipped: "why"}, {Began: began, Took: 2 * time.Second}}
	if got := elapsed(results); got != 4*time.Second {
		t.Error(got)
	}
	if got := elapsed(nil); got != 0 {
		t.Error(got)
	}
}

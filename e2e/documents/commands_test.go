package documents

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the commands print into the documents")

// patience is how long a block may take. The longest compiles everything, once.
const patience = 8 * time.Minute

// TestCommands runs every block for a shell of every document that needs no cluster, in the order of its page and in a
// copy of the repository for each; where a block of text follows, that must be what is printed.
func TestCommands(t *testing.T) {
	elsewhere := lines(t, ".ci/run")
	blocks := 0
	for _, d := range read(t) {
		blocks += len(here(d))
		if len(here(d)) > 0 {
			t.Run(d.Path, func(t *testing.T) { typeIn(t, d, elsewhere) })
		}
	}
	if blocks < 20 {
		t.Errorf("only %d blocks were found", blocks)
	}
}

// typeIn does what a document tells its reader to, and compares what is printed or, with -update, writes it.
func typeIn(t *testing.T, d Document, elsewhere map[string]bool) {
	t.Helper()
	home := repositoryCopy(t)
	source, from := string(d.Source), 0
	for _, b := range here(d) {
		if b.Serves() {
			serve(t, home, b)
			continue
		}
		printed := run(t, home, b, elsewhere)
		if b.OutputLine == 0 {
			continue
		}
		problem := differs(b.Output, printed)
		switch {
		case problem == "":
		case *update:
			at := from + strings.Index(source[from:], b.Text) + len(b.Text)
			at += strings.Index(source[at:], b.Output)
			source = source[:at] + printed + source[at+len(b.Output):]
			from = at
		default:
			t.Errorf("%s:%d is not what is printed today (make docs-test DOCS=-update writes it):\n%s", b.Document, b.OutputLine, problem)
		}
	}
	if source != string(d.Source) {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(d.Path)), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// here are the blocks of a document that are run here.
func here(d Document) []Block {
	return slices.DeleteFunc(slices.Clone(d.Blocks), func(b Block) bool { return !b.Shell() || b.NeedsCluster() })
}

// shortened has what measures for minutes in the documents, and for moments here: the same commands, with other numbers.
// Figures of a moment may miss what is required of them, which these commands say by a status of 1.
func shortened(command string) (string, bool) {
	short := strings.NewReplacer(
		"BENCHTIME=1s BENCHCOUNT=6", "BENCHTIME=1x BENCHCOUNT=1",
		"-pairs 12 -slice 1s", "-pairs 10 -slice 2ms", "-hanging 10000", "-hanging 10",
		"-readers 1000 -rate 200 -watch 2s -soak 1m0s -soak-rate 500", "-readers 10 -rate 200 -watch 30ms -soak 400ms -soak-rate 50",
	).Replace(command)
	return short, short != command
}

// run runs a block as its reader does, and returns what it printed. What fails in the middle fails the test.
func run(t *testing.T, home string, b Block, elsewhere map[string]bool) string {
	t.Helper()
	text := b.Text
	if all := b.Commands(); len(all) > 0 && everyOne(all, elsewhere) {
		t.Logf("%v: .ci/run itself runs %s", b, strings.Join(all, "; "))
		return b.Output
	}
	text, short := shortened(text)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	cmd := shell(ctx, home, text)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	t.Logf("%v: %.1f s", b, time.Since(began).Seconds())
	switch {
	case err == nil:
	case short && regexp.MustCompile(`(?m)^exit status 1$`).MatchString(stderr.String()):
		t.Logf("%v: measured too shortly for its figures to mean anything", b)
	case unjudged(stdout.String(), stderr.String()):
		t.Logf("%v: NOT ALL JUDGED: this machine was too busy\n%s", b, stdout.String())
	default:
		t.Errorf("%v: %v\n%s\n%s\n%s", b, err, text, stderr.String(), stdout.String())
	}
	return stdout.String()
}

// unjudged reports whether experiments ended so because this machine was too busy: there is a table, no verdict in it
// has failed, some are inconclusive, and the lab had nothing else to say.
func unjudged(stdout, stderr string) bool {
	return strings.HasSuffix(stderr, "exit status 2\n") && !strings.Contains(stderr, "\nlab: ") && !strings.HasPrefix(stderr, "lab: ") &&
		regexp.MustCompile(`verdicts? passed, 0 failed, [1-9]\d* inconclusive(; \d+ experiments? skipped)?\nseed .*\n$`).MatchString(stdout)
}

func everyOne(commands []string, elsewhere map[string]bool) bool {
	for _, c := range commands {
		if !elsewhere[c] {
			return false
		}
	}
	return true
}

// lines are those of a file, without what is around them.
func lines(t *testing.T, name string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		found[strings.TrimSpace(line)] = true
	}
	return found
}

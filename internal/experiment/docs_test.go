package experiment_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reliability/internal/experiment"
	"reliability/internal/experiment/report"
)

// TestDocsAreOfEveryExperiment: docs/ has each with all its verdicts and figures, under the
// names that they have today. The figures themselves are measured by make experiments.
func TestDocsAreOfEveryExperiment(t *testing.T) {
	const docs = "../../docs"
	text, err := os.ReadFile(filepath.Join(docs, "experiments.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range experiment.All() {
		if !strings.Contains(string(text), "## "+e.Name+"\n") || !strings.Contains(string(text), e.Claim) {
			t.Errorf("docs/experiments.md is without %s: run make experiments", e.Name)
		}
		plots, err := filepath.Glob(filepath.Join(docs, "experiments", e.Name+"-*.svg"))
		if err != nil || len(plots) == 0 {
			t.Errorf("docs/experiments has no plot of %s: run make experiments", e.Name)
		}
	}
}

var update = flag.Bool("update", false, "fill the quotations of docs/ and README.md from docs/experiments.md")

// TestQuotations: what a page says was measured is what docs/experiments.md has.
func TestQuotations(t *testing.T) {
	const docs = "../../docs"
	if *update {
		if err := experiment.Quote(docs); err != nil {
			t.Fatal(err)
		}
	}
	stale, err := experiment.Stale(docs)
	if err != nil {
		t.Fatal(err)
	}
	for page := range stale {
		t.Errorf("%s quotes other verdicts than docs/experiments.md has: go test ./internal/experiment -run Quotations -update", page)
	}
}

func TestDocsNeedEveryResult(t *testing.T) {
	dir := t.TempDir()
	if err := experiment.Docs(dir, []report.Result{{Name: "fleet"}}); err == nil || !strings.Contains(err.Error(), "run all, not 1 of") {
		t.Errorf("one result: %v", err)
	}
	results := make([]report.Result, len(experiment.All()))
	for i := range results {
		results[i] = report.Result{Name: "retry", Verdicts: []report.Verdict{{Outcome: report.Pass}}}
	}
	results[3].Err = "interrupted"
	if err := experiment.Docs(dir, results); err == nil || !strings.Contains(err.Error(), "retry is inconclusive") {
		t.Errorf("a run that was interrupted: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%v was written all the same, %v", files, err)
	}
}

// TestScale: the page about a million callers, from a small fleet.
func TestScale(t *testing.T) {
	found, err := experiment.Find([]string{"fleet"})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := experiment.Scale(&page, simulate(t, found[0], experiment.Options{Seed: seed, Fleet: 100}), "make it"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"`make it`", "| 10 callers | 100 callers |", "| failures until all breakers are open (requests) | 50 | 500 |",
		"5,000,000 failed requests, 50,000 for each replica", "4,000,000 requests a second", "10,000,000 retries, once", "](experiments/fleet-herd.svg)",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in\n%s", want, page.String())
		}
	}
	if err := experiment.Scale(&page, report.Result{Name: "fleet"}, "make it"); err == nil || !strings.Contains(err.Error(), "no measurements of 10 callers") {
		t.Errorf("a result without measurements: %v", err)
	}
}

package experiment

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"

	"reliability/internal/experiment/report"
)

// docsCommand writes the pages of docs/.
const docsCommand = "make experiments"

// Docs writes experiments.md, with a plot for each figure, and scale.md into a directory,
// and fills what the other pages quote. The results must be of every experiment, and all
// verdicts must pass: else nothing is written.
func Docs(dir string, results []report.Result) error {
	if len(results) != len(All()) {
		return fmt.Errorf("the pages of %s are about every experiment: run all, not %d of %d", dir, len(results), len(All()))
	}
	for _, r := range results {
		if r.Skipped == "" && r.Outcome() != report.Pass {
			return fmt.Errorf("the pages of %s are left as they are: they are of a run in which all verdicts pass, and %s is %s", dir, r.Name, r.Outcome())
		}
	}
	if err := report.Figures(filepath.Join(dir, "experiments"), results); err != nil {
		return err
	}
	err := report.Save(dir, experimentsPage, func(w io.Writer) error {
		return report.Markdown(w, results, report.Options{Intro: docsIntro(), Figures: "experiments", Command: docsCommand})
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(results, func(r report.Result) bool { return r.Name == nameFleet })
	if i < 0 {
		return fmt.Errorf("there is no result of %s", nameFleet)
	}
	if err := report.Save(dir, "scale.md", func(w io.Writer) error { return Scale(w, results[i], docsCommand) }); err != nil {
		return err
	}
	return Quote(dir)
}

func docsIntro() string {
	return fmt.Sprintf("Every claim that is made here about retry, timeout and circuit breaker, measured: set-up, injected fault, load, and verdicts that can "+
		"fail. What is compared without chance must hold to the last call; what hangs on chance is an exact test that fails a true claim once in a million runs. "+
		"Each experiment has negative controls: with the protection removed or broken its verdicts fail, and a [test](../internal/experiment/experiment_test.go) proves that.\n\n"+
		"These figures are of a machine with %d cores, over loopback, in real time, with an attempt timeout of 100 ms; the fleet is simulated. `go test ./internal/experiment` "+
		"runs the same definitions in virtual time.", runtime.NumCPU())
}

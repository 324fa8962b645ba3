package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is printed into testdata")

// golden compares got with a file of testdata that people have read.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s, and -update would write it:\n%s", name, diff)
	}
}

// hostile is what no renderer may fall for: markup, control characters, and words without
// end, in every text there is.
func hostile() Result {
	const bad = "<script>alert('x')</script> | a\nb \x1b[31m\x00 \xff & \"q\" `c` *e* _u_ [l](https://evil.example/) $m$ 漢字🦊 é"
	long := bad + strings.Repeat(" word", 60) + strings.Repeat("endless", 60)
	v := func(o Outcome) Verdict {
		return Verdict{Name: long, Claim: long, Expected: long, Seen: long, Test: long, P: 0.5, Power: 0.5, Outcome: o, Why: long}
	}
	return Result{
		Name: "hostile", Claim: long, Lesson: long, World: long, Seed: 1<<64 - 1, Negative: long, Setup: []string{long}, Varies: []string{long}, Repeat: long, Err: long,
		Calls:    1 << 60,
		Verdicts: []Verdict{v(Pass), v(Fail), v(Inconclusive)},
		Measured: []Measure{{long, 1, long}},
		Figures: []Figure{{Name: "all", Title: long, Caption: long, X: Axis{Label: long}, Y: Axis{Label: long},
			Lines:  []Line{{long, Curve, []Point{{1, 2}, {2, 3}}}, {long, Bars, []Point{{1, 2}}}},
			Rows:   []Row{{long, []Bar{{1, 2, long, long}, {1, 1.1, "ok", bad}}}},
			Phases: []Phase{{1, 2, long}, {1, 1.5, long}, {1.2, 1.3, long}, {1, 2, long}, {1, 2, long}}}},
	}
}

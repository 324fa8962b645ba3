package report

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// jsonSample has each field once, and everything that is no number.
func jsonSample() []Result {
	nan, infinite := math.NaN(), math.Inf(-1)
	return []Result{{
		Name: "retry", Claim: "a → b <c>", Lesson: "lesson", World: "simulated", Seed: 1<<64 - 1, Negative: "jitter", Unit: 50 * time.Millisecond,
		Began: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC), Took: time.Second, Calls: 7, Setup: []string{"one"}, Repeat: "go run",
		Verdicts: []Verdict{{Name: "n", Claim: "c", Expected: "e", Seen: "s", Test: "t", P: nan, Power: 0.5, Outcome: Inconclusive, Why: "w"}},
		Measured: []Measure{{"m", infinite, "ms"}},
		Figures: []Figure{{Name: "f", X: Axis{Label: "x", Log: true, Min: nan, Max: 3}, Lines: []Line{{"l", Dots, []Point{{nan, 1}, {1.5, infinite}}}, {"none", Curve, nil}},
			Rows: []Row{{"r", []Bar{{0, nan, "ok", "label"}}}, {"none", nil}}, Phases: []Phase{{infinite, 1, "p"}}}},
		Err: "error",
	}, {Name: "empty", Skipped: "why"}}
}

func TestJSON(t *testing.T) {
	var b, indented bytes.Buffer
	if err := JSON(&b, jsonSample()); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&indented, b.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`"(xy|bars|lines|verdicts|setup)": null`).MatchString(indented.String()) {
		t.Error("an empty list is null")
	}
	golden(t, "results.json", indented.String())
	if n := strings.Count(b.String(), "\n"); n != len(jsonSample())+2 {
		t.Errorf("%d lines: want one for each result, and two around them", n)
	}
	for _, name := range regexp.MustCompile(`"([^"]*)":`).FindAllStringSubmatch(b.String(), -1) {
		if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(name[1]) {
			t.Errorf("%s is not in snake case", name[1])
		}
	}
}

// TestJSONIsWhole: what is read again is what was written.
func TestJSONIsWhole(t *testing.T) {
	var b bytes.Buffer
	want := sample()
	want[2].Measured = want[2].Measured[:2] // the third is no number
	if err := JSON(&b, want); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tally
		Results []Result
	}
	decoder := json.NewDecoder(&b)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i] = want[i].whole()
	}
	if diff := cmp.Diff(want, got.Results); diff != "" {
		t.Error(diff)
	}
	if got.Tally != Count(want) {
		t.Errorf("%+v", got.Tally)
	}
	b.Reset()
	if err := JSON(&b, nil); err != nil || !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"results":[`) {
		t.Errorf("without results: %v, %s", err, b.String())
	}
}

package documents

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// differs compares what a document says is printed with what is, and says how they differ. Everything is exact, times
// of virtual time too, but for how long something took on this machine: of the work behind an experiment nothing is
// expected at all; how long a call took, "after 0.252 s", or how long a breaker still waits, "in 4.9s", is the document's
// to claim, and may be off by a factor of three, for no machine is that slow for long.
func differs(claimed, printed string) string {
	if want, got := timeless(claimed), timeless(printed); want != got {
		return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
	}
	want, got := times(claimed), times(printed)
	for i := range want {
		if want[i] > 3*got[i] || got[i] > 3*want[i] {
			return fmt.Sprintf("after or in %v s, printed %v s", want[i], got[i])
		}
	}
	return ""
}

// timeless is a text without times, and without how wide a column is because of them.
func timeless(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`(?m) calls in [\d.]+ ?m?s$`, " calls in 0 s"},
		{`( after| in) [\d.]+ ?s\b`, "$1 0 s"},
		{` +`, " "},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}

// times are what a text says of how long calls took and breakers wait, in seconds.
func times(text string) []float64 {
	text = regexp.MustCompile(`(?m) calls in [\d.]+ ?m?s$`).ReplaceAllString(text, "")
	var all []float64
	for _, m := range regexp.MustCompile(`(?: after| in) ([\d.]+) ?s\b`).FindAllStringSubmatch(text, -1) {
		seconds, _ := strconv.ParseFloat(m[1], 64) // what is no number is none of ours
		all = append(all, seconds)
	}
	return all
}

func TestDiffers(t *testing.T) {
	for _, c := range []struct {
		claimed, printed string
		same             bool
	}{
		{"504 after 0.25 s\n", "504 after 0.31 s\n", true},
		{"504 after 0.25 s\n", "504 after 0.9 s\n", false},
		{"504 after 77 s\n", "504 after 1.1 s\n", false},
		{"probes in 4.9s\",", "probes in 4.6s\",", true},
		{"probes in 49s\",", "probes in 4.6s\",", false},
		{"seed 1, 754 calls in 9 s\n", "seed 1, 754 calls in 207 ms\n", true},
		{"seed 1, 753 calls in 9 s\n", "seed 1, 754 calls in 207 ms\n", false},
		{"   27 502\n", " 27 502\n", true},
		{"   27 502\n", " 28 502\n", false},
		{"recovery ≤ 1080 ms", "recovery ≤ 1081 ms", false},
	} {
		if problem := differs(c.claimed, c.printed); (problem == "") != c.same {
			t.Errorf("%q, printed %q: %q", c.claimed, c.printed, problem)
		}
	}
}

func TestUnjudged(t *testing.T) {
	const table = "1 verdict passed, 0 failed, 1 inconclusive\nseed 1, 3 calls in 1 s\n"
	for _, c := range []struct {
		stdout, stderr string
		want           bool
	}{
		{table, "1 experiment\nexit status 2\n", true},
		{strings.Replace(table, "inconclusive", "inconclusive; 4 experiments skipped", 1), "24 experiments\nexit status 2\n", true},
		{strings.Replace(table, "1 inc", "0 inc", 1), "exit status 2\n", false},
		{table, "lab: there is no experiment breaker-vs-limitor\nexit status 2\n", false},
		{"1 verdict passed, 0 failed, 0 inconclusive\nseed 1, 3 calls in 1 s\n", "\nlab: no such flag\nexit status 2\n", false},
		{strings.Replace(table, "0 failed", "1 failed", 1), "exit status 1\n", false},
	} {
		if got := unjudged(c.stdout, c.stderr); got != c.want {
			t.Errorf("%q, %q: %t", c.stdout, c.stderr, got)
		}
	}
}

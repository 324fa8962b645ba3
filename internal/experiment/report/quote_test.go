package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestQuote: what Markdown writes is what Quote reads, and a quotation that is filled already is written anew.
func TestQuote(t *testing.T) {
	var page bytes.Buffer
	results := []Result{
		{Name: "retry", Claim: "they help", Verdicts: []Verdict{
			{Name: "success", Claim: "success | 1 − pⁿ", Expected: "93.75 %", Seen: "94 %", Test: "exact", Outcome: Pass},
			{Name: "full, least", Claim: "a_b", Expected: "≤ 1 ms", Seen: "2 ms", Test: "comparison", Outcome: Fail},
		}},
		{Name: "per-instance", Claim: "alone", Verdicts: []Verdict{{Name: "success", Claim: "each pays", Expected: "5", Seen: "5", Test: "comparison", Outcome: Pass}}},
	}
	if err := Markdown(&page, results, Options{Command: "make it"}); err != nil {
		t.Fatal(err)
	}
	const text = "before\n<!-- measured claims: per-instance/success -->\n<!-- /measured -->\n<!-- measured: per-instance/success; retry/success;\nretry/full, least -->\nold\n<!-- /measured -->\nafter\n"
	want := []string{
		"before", "<!-- measured claims: per-instance/success -->",
		"| experiment | claim | expected | measured | verdict |", "|---|---|---|---|---|",
		"| [alone](../e.md#per-instance) | each pays | 5 | 5 | ✓ pass |", "<!-- /measured -->",
		"<!-- measured: per-instance/success; retry/success;", "retry/full, least -->",
		"| experiment | claim | expected | measured | verdict |", "|---|---|---|---|---|",
		"| [per-instance](../e.md#per-instance) | each pays | 5 | 5 | ✓ pass |",
		`| [retry](../e.md#retry) | success \| 1 − pⁿ | 93.75 % | 94 % | ✓ pass |`,
		`| [retry](../e.md#retry) | a\_b | ≤ 1 ms | 2 ms | ✗ **fail** |`,
		"<!-- /measured -->", "after", "",
	}
	got, err := Quote(text, page.String(), "../e.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if again, err := Quote(got, page.String(), "../e.md"); err != nil || again != got {
		t.Errorf("quoted again: %v\n%s", err, again)
	}
}

func TestQuoteOfNothing(t *testing.T) {
	for page, want := range map[string]string{
		"<!-- measured: retry/success; no/such -->\n<!-- /measured -->":  "experiments.md has no verdict retry/success, nor no/such",
		"<!-- measured: retry/success -->\n":                             "of 1 quotations some are not between",
		"<!--measured: retry/success -->\n<!-- /measured -->\n":          "of 1 quotations some are not between",
		"| [retry](../experiments.md#retry) | 1 − pⁿ | 1 | 1 | ✓ pass |": "a verdict is typed",
	} {
		if got, err := Quote(page, "", "docs/experiments.md"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want %q", page, got, err, want)
		}
	}
}

package caller

import (
	"encoding/json"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reliability/internal/telemetry"
)

// TestEveryRouteIsDocumented in docs/api.md, and nothing else is. That its answers are the
// real ones is tested where both services are.
func TestEveryRouteIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	cfg, err := LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "caller", Store: telemetry.NewStore(), LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(cfg, tel, Network{})
	if err != nil {
		t.Fatal(err)
	}
	var routes, sections []string
	for _, r := range s.api().Routes() {
		routes = append(routes, r.Method+" "+regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}"))
	}
	for _, m := range regexp.MustCompile("(?m)^### `([A-Z]+ /[^`]*)`$").FindAllStringSubmatch(page, -1) {
		sections = append(sections, m[1])
	}
	slices.Sort(routes)
	slices.Sort(sections)
	if !slices.Equal(routes, sections) {
		t.Errorf("routes    %v\nsections  %v", routes, sections)
	}

	var words []string
	for _, document := range []any{DefaultPolicy(), DefaultLoad()} {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(string(text), -1) {
			words = append(words, m[1])
		}
	}
	words = append(words, policyNames()...)
	for name := range modes() {
		words = append(words, name)
	}
	words = append(words, outcomeSuccess, outcomeFailure, outcomeTimeout, outcomeRejected, outcomeCanceled, eventCall, eventDecision)
	words = append(words, resultOK, resultError, resultTimeout, resultRejected, resultCanceled, headerDeadline, headerDoNotRetry, headerCallID, headerAttempt, "call_id")
	for _, word := range words {
		if !regexp.MustCompile("[`.]" + word + "[`.]").MatchString(page) {
			t.Errorf("%s is not explained", word)
		}
	}
	if strings.Contains(page, "\t") {
		t.Error("there are tabs")
	}
}

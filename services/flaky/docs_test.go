package flaky

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheDocsAreRight: each example of docs/faults.md is a document, each field and each
// outcome is in it, and the answer it shows is the one that is given.
func TestTheDocsAreRight(t *testing.T) {
	text, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(examples) < 4 {
		t.Errorf("%d examples", len(examples))
	}
	for _, e := range examples {
		parse(t, e[1])
	}
	for _, field := range regexp.MustCompile(`"([a-z_0-9]+)":`).FindAllStringSubmatch(everything, -1) {
		if !regexp.MustCompile("[`\"]" + field[1] + "[`\"]").MatchString(page) {
			t.Errorf("%s is not explained", field[1])
		}
	}
	for _, o := range []outcome{outcomeOK, outcomeRefused, outcomeError, outcomeOverload, outcomeReset, outcomeHang, outcomeTruncate, outcomeAbandoned, outcomeDeadline, outcomeCrash, outcomeShutdown} {
		if !strings.Contains(page, "`"+string(o)+"`") {
			t.Errorf("outcome %s is not named", o)
		}
	}
	refused := regexp.MustCompile(`-d '(.*)'`).FindStringSubmatch(page)
	_, err = ParseDocument([]byte(refused[1]))
	if err == nil || err.Error() != "schedule[1].latency.p99 is 5ms: must be at least median, which is 50ms" {
		t.Errorf("the refused one: %v", err)
	}
}

package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func markdownOf(t *testing.T, results []Result) string {
	t.Helper()
	var b bytes.Buffer
	o := Options{Intro: "Every claim about these patterns is measured.", Figures: "experiments", Command: "make experiments"}
	if err := Markdown(&b, results, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdown(t *testing.T) { golden(t, "experiments.md", markdownOf(t, sample())) }

// TestMarkdownTables: all rows of a table have as many cells as its header, whatever is in
// them, and no text becomes markup.
func TestMarkdownTables(t *testing.T) {
	text := markdownOf(t, append(sample(), hostile()))
	cells, rows := 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		rows++
		n := len(regexp.MustCompile(`(^|[^\\])\|`).FindAllString(line, -1)) - 1
		if cells == 0 {
			cells = n
		}
		if n != cells {
			t.Errorf("%d cells; want %d: %s", n, cells, line)
		}
	}
	if rows < 40 {
		t.Errorf("only %d rows", rows)
	}
	outside := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, markup := range []string{"<script", "[l](", "*e*", " _u_", "`c`", "$m$", "\x1b", "\x00"} {
		if strings.Contains(strings.ReplaceAll(outside, `\`+markup, ""), markup) {
			t.Errorf("%q got through", markup)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(text, "\n## "+link[1]+"\n") {
			t.Errorf("there is no heading %s", link[1])
		}
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{"make": "`make`", "a ` b": "``a ` b``", "`": "`` ` ``"} {
		if got := code(text); got != want {
			t.Errorf("%s: %s; want %s", text, got, want)
		}
	}
}

package documents

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestInlineCommands: what a sentence tells to type is not run, but there is such an experiment, such a negative control
// and such a flag, and kubectl names its cluster. A mention, "kubectl scale", is none.
func TestInlineCommands(t *testing.T) {
	list, help := lab(t, "experiment", "list"), lab(t, "experiment", "--help")
	names := regexp.MustCompile(`(?m)^\S+`).FindAllString(list, -1)
	flags := regexp.MustCompile(`--[a-z-]+`).FindAllString(help, -1)
	negatives := regexp.MustCompile(`[a-z-]+`).FindAllString(strings.Join(regexp.MustCompile(`negative: .*`).FindAllString(list, -1), " "), -1)
	checked := 0
	for _, d := range read(t) {
		for _, c := range d.Inline {
			if strings.HasPrefix(c.Text, "kubectl ") && len(strings.Fields(c.Text)) > 4 && !strings.HasPrefix(c.Text, "kubectl --context kind-reliability -n reliability ") {
				t.Errorf("%s:%d: %s names no context or no namespace", d.Path, c.Line, c.Text)
			}
			args, is := strings.CutPrefix(c.Text, "go run ./cmd/lab experiment ")
			if !is {
				continue
			}
			checked++
			for i, all := 0, strings.Fields(args); i < len(all); i++ {
				word := all[i]
				known := names
				switch {
				case word == "all", word == "list", strings.HasSuffix(word, "…"), strings.ToUpper(word) == word:
					continue
				case word == "--negative" && i+1 < len(all):
					i++
					word, known = all[i], negatives
				case strings.HasPrefix(word, "-"):
					known = flags
					if takes := !slices.Contains([]string{"--json", "--help"}, word); takes {
						i++
					}
				}
				if word != "-o" && !slices.Contains(known, word) {
					t.Errorf("%s:%d: %s: there is no %s", d.Path, c.Line, c.Text, word)
				}
			}
		}
		for _, c := range d.Drawn {
			if regexp.MustCompile(`(?m)^\s*(\$ )?(go|curl|kubectl|make|git) `).MatchString(c.Text) {
				t.Errorf("%s:%d: a command in a block that is indented, which nobody runs: make it one of sh", d.Path, c.Line)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d commands were found", checked)
	}
}

// lab is what it says of itself.
func lab(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./cmd/lab"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return string(out)
}

package reliability_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reliability/services/caller"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheREADMEsAnswerIsOne: the example has the fields that an answer has today, in
// their order: written again by the code, it is the same text.
func TestTheREADMEsAnswerIsOne(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(blocks) != 1 {
		t.Fatalf("%d examples of an answer", len(blocks))
	}
	var answer caller.Answer
	decoder := json.NewDecoder(strings.NewReader(blocks[0][1]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(again) + "\n"; got != blocks[0][1] {
		t.Errorf("the code writes the README's answer as\n%s", got)
	}
}

// TestTheREADMEsTreeIsWhole: each folder that has Go files of the main module stands in
// the table, or below one that does, and each link leads somewhere.
func TestTheREADMEsTreeIsWhole(t *testing.T) {
	text := readme(t)
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(link[1]); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, ".go") && dir != "." && !strings.HasPrefix(dir, "e2e") && !strings.Contains(text, "`"+dir+"`") {
			t.Errorf("%s is not in the tree", dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheREADMEsCommands: each target it names exists, and its test command is the one that is run.
func TestTheREADMEsCommands(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile("(?m)^make ([a-z0-9]+)|`make ([a-z0-9]+)`").FindAllStringSubmatch(readme(t), -1) {
		if name := target[1] + target[2]; !bytes.Contains(makefile, []byte("\n"+name+": ")) {
			t.Errorf("there is no target %s", name)
		}
	}
	if ci, err := os.ReadFile(".ci/run"); err != nil || !bytes.Contains(ci, []byte("\ngo test ./...\n")) {
		t.Errorf(".ci/run does not run the README's test command: %v", err)
	}
}

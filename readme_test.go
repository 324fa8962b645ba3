package reliability_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheREADMEsTreeIsWhole: each folder that has Go files of the main module stands in
// the table.
func TestTheREADMEsTreeIsWhole(t *testing.T) {
	text := readme(t)
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

// TestTheREADMEsTestCommand is the one that is run.
func TestTheREADMEsTestCommand(t *testing.T) {
	if !strings.Contains(readme(t), "\ngo test ./...\n") {
		t.Error("README.md does not say how to test")
	}
	if ci, err := os.ReadFile(".ci/run"); err != nil || !regexp.MustCompile(`(?m)^ *go test \./\.\.\.$`).Match(ci) {
		t.Errorf(".ci/run does not run the README's test command: %v", err)
	}
}

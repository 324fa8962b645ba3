package dashboard

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVendoredFilesAreAsTheyCame: nobody edits by hand what vendor.sh fetches, and nothing
// else lies beside it.
func TestVendoredFilesAreAsTheyCame(t *testing.T) {
	const dir = "assets/vendor"
	sums, err := files.ReadFile(dir + "/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	noted := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^([0-9a-f]{64}) \*(.+)$`).FindAllSubmatch(sums, -1) {
		noted[string(line[2])] = string(line[1])
	}
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		if e.Name() == "README" || e.Name() == "SHA256SUMS" {
			continue
		}
		content, err := files.ReadFile(dir + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	if diff := cmp.Diff(noted, found); diff != "" || len(noted) == 0 {
		t.Errorf("%s is not as vendor.sh left it (-noted +found):\n%s", dir, diff)
	}
}

// TestVendoredVersion: the script, its README and the library itself name one version.
func TestVendoredVersion(t *testing.T) {
	version := func(pattern string, content []byte, err error) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindSubmatch(content)
		if err != nil || m == nil {
			t.Fatalf("no version by %s: %v", pattern, err)
		}
		return string(m[1])
	}
	script, err := os.ReadFile("vendor.sh")
	pinned := version(`(?m)^version=(\S+)$`, script, err)
	readme, err := files.ReadFile("assets/vendor/README")
	if got := version(`^uPlot (\S+),`, readme, err); got != pinned {
		t.Errorf("the README says %s, vendor.sh %s: run `make vendor`", got, pinned)
	}
	library, err := files.ReadFile("assets/vendor/uPlot.iife.min.js")
	if got := version(`\(v([0-9.]+)\)`, library, err); got != pinned {
		t.Errorf("the library says %s, vendor.sh %s: run `make vendor`", got, pinned)
	}
}

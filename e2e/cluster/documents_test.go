package cluster

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"reliability/e2e/documents"
)

// experimentsFile is the document whose commands TestExperiments runs.
const experimentsFile = "docs/experiments.md"

// clusterBlocks returns the blocks that need a cluster, by document.
func clusterBlocks(t *testing.T) map[string][]documents.Block {
	t.Helper()
	all, err := documents.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]documents.Block{}
	for _, d := range all {
		for _, b := range d.Blocks {
			if b.NeedsCluster() {
				blocks[d.Path] = append(blocks[d.Path], b)
			}
		}
	}
	return blocks
}

// TestDocuments runs every other block of every document that needs a cluster, in the order of its page. So it is with
// e2e/documents and TestRecipes that whatever a document tells its reader to type has been typed.
func TestDocuments(t *testing.T) {
	blocks, unused := clusterBlocks(t), expectations()
	if len(blocks[experimentsFile]) == 0 || len(blocks["README.md"]) == 0 {
		t.Errorf("%s or README.md has none: %v", experimentsFile, slices.Sorted(maps.Keys(blocks)))
	}
	delete(blocks, recipesFile)
	delete(blocks, experimentsFile)
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { reset(t) }) // a page need not end as it began
			for _, b := range blocks[name] {
				t.Logf("%v\n%s", b, b.Text)
				if strings.Contains(b.Text, "make down") {
					t.Fatalf("%v: make down is TestMain's: in a block the tests that follow would have no cluster", b)
				}
				if b.OutputLine != 0 {
					t.Errorf("%v: nobody compares what is printed in a cluster: make the block below one of console", b)
				}
				printed := shell(t, b.Text)
				t.Log(printed)
				for about, expect := range expectations() {
					if strings.Contains(b.Text, about) {
						delete(unused, about)
						expect(t, b, printed)
					}
				}
			}
		})
	}
	for about := range unused {
		t.Errorf("no document has a block with %q, so nobody looks at what it should show", about)
	}
}

// expectations are what a block must print, by what it does: about half of a hundred calls fail, or nearly all or none.
// At one half, chance strays from what is wanted here less than once in ten million times (binomial).
func expectations() map[string]func(*testing.T, documents.Block, string) {
	half := func(t *testing.T, b documents.Block, printed string) {
		t.Helper()
		if good, bad := counted(t, printed, "200"), counted(t, printed, "502"); good+bad != 100 || bad < 23 || bad > 77 {
			t.Errorf("%v: %d calls succeeded and %d failed, want 100 and about half", b, good, bad)
		}
	}
	one := func(t *testing.T, b documents.Block, printed string) {
		t.Helper()
		if good, bad := counted(t, printed, "200"), counted(t, printed, "502"); good+bad != 100 || max(good, bad) < 80 {
			t.Errorf("%v: %d calls succeeded and %d failed, want 100, nearly all of one kind", b, good, bad)
		}
	}
	return map[string]func(*testing.T, documents.Block, string){"deployment/flaky-errors --replicas=3\nkubectl": half, `"mode": "pooled"`: one}
}

// counted is the line of a status in what uniq -c prints.
func counted(t *testing.T, printed, status string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ *(\d+) ` + status + `$`).FindStringSubmatch(printed)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

package documents

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T) []Document {
	t.Helper()
	all, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryKubectlNamesItsCluster: who copies a command from a document must not meet another cluster than ours,
// whatever their current context is.
func TestEveryKubectlNamesItsCluster(t *testing.T) {
	found := 0
	for _, d := range read(t) {
		for _, b := range d.Blocks {
			for _, line := range b.Commands() {
				// A line may have several, one in another's arguments or after a pipe.
				for _, command := range strings.Split(line, "kubectl ")[1:] {
					found++
					inNamespace := strings.Contains(command, "-n reliability ") || strings.Contains(command, "/namespaces/reliability/")
					if b.Shell() && (!strings.HasPrefix(command, "--context kind-reliability ") || !inNamespace) {
						t.Errorf("%v: kubectl %s names no context or no namespace: %s", b, command, line)
					}
				}
			}
		}
	}
	if found == 0 {
		t.Error("no document has a kubectl command")
	}
}

// TestTargets: each target that a document tells to make exists, whether it does so in a sentence or in a block for a
// shell.
func TestTargets(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, d := range read(t) {
		text := string(d.Source)
		for _, b := range d.Blocks {
			if b.Shell() {
				text += "\n`" + strings.Join(b.Commands(), "\n`")
			}
		}
		for _, target := range regexp.MustCompile("`(?:[A-Z_]+=[^ `]* )*make ([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			found[d.Path]++
			if !strings.Contains(string(makefile), "\n"+target[1]+": ") {
				t.Errorf("%s: there is no target %s", d.Path, target[1])
			}
		}
	}
	if found["README.md"] == 0 || found["docs/cluster.md"] == 0 {
		t.Errorf("targets by document: %v", found)
	}
}

// TestLanguages: a block says what it is, and what is for a shell is called sh, for only that is run.
func TestLanguages(t *testing.T) {
	known := []string{"sh", "text", "console", "json", "go", "yaml", "mermaid", "promql"}
	for _, d := range read(t) {
		for _, b := range d.Blocks {
			if !slices.Contains(known, b.Language) {
				t.Errorf("%v: the language %q is none of %v", b, b.Language, known)
			}
		}
	}
}

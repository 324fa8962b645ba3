package reliability_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents are those with commands to copy.
func documents(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(names, "README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// commandLines returns the lines of a document's blocks for a shell, those that go on below as one.
func commandLines(text string) []string {
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(strings.ReplaceAll(block[1], "\\\n", " "), "\n")...)
	}
	return lines
}

// TestEveryKubectlNamesItsCluster: who copies a command from a document must not meet another cluster than ours,
// whatever their current context is.
func TestEveryKubectlNamesItsCluster(t *testing.T) {
	found := 0
	for document, text := range documents(t) {
		for _, line := range commandLines(text) {
			// A line may have several, one in another's arguments or after a pipe.
			for _, command := range strings.Split(line, "kubectl ")[1:] {
				found++
				inNamespace := strings.Contains(command, "-n reliability ") || strings.Contains(command, "/namespaces/reliability/")
				if !strings.HasPrefix(command, "--context kind-reliability ") || !inNamespace {
					t.Errorf("%s: kubectl %s names no context or no namespace: %s", document, command, line)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no document has a kubectl command")
	}
}

// TestTheDocumentsTargets: each target that a document tells to make exists, whether it does so in a sentence or in
// a block for a shell.
func TestTheDocumentsTargets(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for document, text := range documents(t) {
		for _, line := range commandLines(text) {
			text += "\n`" + line
		}
		for _, target := range regexp.MustCompile("`(?:[A-Z_]+=[^ `]* )*make ([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			found[document]++
			if !strings.Contains(string(makefile), "\n"+target[1]+": ") {
				t.Errorf("%s: there is no target %s", document, target[1])
			}
		}
	}
	if found["README.md"] == 0 || found["docs/cluster.md"] == 0 {
		t.Errorf("targets by document: %v", found)
	}
}

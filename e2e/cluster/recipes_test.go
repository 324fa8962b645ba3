package cluster

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// recipesFile is the document whose recipes are run here, word by word.
const recipesFile = "docs/cluster.md"

// A recipe is one heading below "## Recipes": commands for a shell and, unless there is nothing to undo, the
// commands that undo them.
type recipe struct {
	heading  string
	do, undo string
}

// TestRecipes runs every recipe the way its reader does: the very commands, what they do to the calls, the undo.
func TestRecipes(t *testing.T) {
	recipes := readRecipes(t)
	unused := map[string]bool{}
	for heading := range recipeTests() {
		unused[heading] = true
	}
	for _, r := range recipes {
		delete(unused, r.heading)
		t.Run(r.heading, func(t *testing.T) {
			test := recipeTests()[r.heading]
			if test == nil {
				t.Fatalf("%s has the recipe %q, and no test", recipesFile, r.heading)
			}
			leaveReset(t)
			test(t, r)
		})
	}
	for heading := range unused {
		t.Errorf("there is a test of the recipe %q, which %s does not have", heading, recipesFile)
	}
}

// recipeTests has a test for each heading. Each runs the recipe and its undo.
func recipeTests() map[string]func(*testing.T, recipe) {
	return map[string]func(*testing.T, recipe){
		"An outage":                     testOutage,
		"A failure ratio":               testRatio,
		"Faults from a ConfigMap":       testConfigMap,
		"Faults from the environment":   testEnvironment,
		"One sick replica":              testSickReplica,
		"A pod is deleted":              testPodDeleted,
		"A pod is killed":               testPodKilled,
		"A rollout":                     testRollout,
		"Three callers, three opinions": testThreeCallers,
	}
}

// run runs the recipe's commands, and returns what they printed.
func (r recipe) run(t *testing.T) string {
	t.Helper()
	return shell(t, r.do)
}

// takeBack runs the recipe's undo.
func (r recipe) takeBack(t *testing.T) {
	t.Helper()
	if r.undo == "" {
		t.Fatalf("%s: the recipe %q has no undo", recipesFile, r.heading)
	}
	shell(t, r.undo)
}

// shell runs commands in the repository's root, strictly: what fails in the middle fails the test.
func shell(t *testing.T, commands string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", commands)
	cmd.WaitDelay = time.Second // what bash has started may outlive it, and hold its output open
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "TILT=", "OVERLAY="+overlay()) // of make
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", commands, withStderr(err), out)
	}
	return string(out)
}

// readRecipes finds the recipes: below each heading the first block of sh is what to do; another one is the undo,
// and the paragraph before it says so.
func readRecipes(t *testing.T) []recipe {
	t.Helper()
	var recipes []recipe
	for _, b := range clusterBlocks(t)[recipesFile] {
		undoes := strings.HasPrefix(b.Lead, "Undo")
		last := len(recipes) - 1
		switch {
		case !undoes && (last < 0 || recipes[last].heading != b.Heading):
			recipes = append(recipes, recipe{heading: b.Heading, do: b.Text})
		case undoes && last >= 0 && recipes[last].heading == b.Heading && recipes[last].undo == "":
			recipes[last].undo = b.Text
		default:
			t.Fatalf("%v: recipe %q: want one block of sh, and at most one more below a paragraph that begins with Undo", b, b.Heading)
		}
	}
	if len(recipes) == 0 {
		t.Fatalf("%s has no recipes", recipesFile)
	}
	return recipes
}

// measured prints a figure that the closing notes and the documents quote.
func measured(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("MEASURED "+format, args...)
}

// since is a duration for people to read.
func since(start time.Time) string { return time.Since(start).Round(100 * time.Millisecond).String() }

package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestExperiments runs those that only a cluster can, and their negative controls: with the
// protection removed or broken, the verdicts that are named must fail, and each is named by one.
func TestExperiments(t *testing.T) {
	lab := filepath.Join(t.TempDir(), "lab")
	if err := command(t.Context(), "go", "build", "-o", lab, "./cmd/lab"); err != nil {
		t.Fatal(err)
	}
	found := experiments(t, lab)
	if len(found) < 4 {
		t.Errorf("%d experiments for a cluster are listed, want scale-failures, outage, pinning and rollout at least: %v", len(found), found)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t.Run(name, func(t *testing.T) {
			good := experiment(t, lab, name, "")
			good.skipUnjudged(t)
			if good.code != 0 || len(good.failed) > 0 {
				t.Errorf("exit code %d, failed verdicts %v, want 0 and none", good.code, good.failed)
			}
			var canFail []string
			for _, negative := range found[name] {
				t.Run(negative, func(t *testing.T) {
					e := experiment(t, lab, name, negative)
					canFail = append(canFail, e.mustFail...)
					e.skipUnjudged(t)
					missing := slices.DeleteFunc(slices.Clone(e.mustFail), func(v string) bool { return slices.Contains(e.failed, v) })
					if e.code != 1 || len(missing) > 0 {
						t.Errorf("exit code %d, failed verdicts %v, want 1 and also %v", e.code, e.failed, missing)
					}
				})
			}
			for _, v := range good.verdicts {
				if !slices.Contains(canFail, v) {
					t.Errorf("no negative control fails %q", v)
				}
			}
		})
	}
}

// experiments asks which need a cluster, and for their negative controls.
func experiments(t *testing.T, lab string) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), lab, "experiment", "list").Output()
	if err != nil {
		t.Fatal(withStderr(err))
	}
	found := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\S+) .*\n +negative: (.*); cluster only$`).FindAllSubmatch(out, -1) {
		found[string(m[1])] = regexp.MustCompile(`[^, ]+`).FindAllString(string(m[2]), -1)
	}
	return found
}

type ended struct {
	code     int
	err      string // why it could not run
	verdicts []string
	failed   []string // of them
	mustFail []string
}

// skipUnjudged leaves it at a loud line where the machine was too busy to tell, as .ci/run does.
func (e ended) skipUnjudged(t *testing.T) {
	t.Helper()
	if e.code == 2 && e.err == "" {
		t.Skip("NOT JUDGED: this machine was too busy")
	}
}

// documented is the command by which the document repeats an experiment, without go run ./cmd/lab: that makes a 1 of
// every exit code.
func documented(t *testing.T, name string) []string {
	t.Helper()
	for _, b := range clusterBlocks(t)[experimentsFile] {
		if args, is := strings.CutPrefix(strings.TrimSpace(b.Text), "go run ./cmd/lab "); is && b.Heading == name {
			return strings.Fields(args)
		}
	}
	t.Fatalf("%s has no command for %s", experimentsFile, name)
	return nil
}

// experiment runs one, as a reader of its document would, and looks at what it leaves.
func experiment(t *testing.T, lab, name, negative string) ended {
	t.Helper()
	args := append(documented(t, name), "--json")
	if negative != "" {
		args = append(args, "--negative", negative)
	}
	cmd := exec.CommandContext(t.Context(), lab, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	var report struct {
		Results []struct {
			Error    string   `json:"error"`
			MustFail []string `json:"must_fail"`
			Verdicts []struct {
				Name     string `json:"name"`
				Expected string `json:"expected"`
				Seen     string `json:"seen"`
				Outcome  string `json:"outcome"`
			} `json:"verdicts"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Results) != 1 {
		t.Fatalf("%v: %s", err, out.String())
	}
	result := report.Results[0]
	e := ended{code: cmd.ProcessState.ExitCode(), err: result.Error, mustFail: result.MustFail}
	if result.Error != "" {
		t.Error(result.Error)
	}
	for _, v := range result.Verdicts {
		t.Logf("%-16s expected %s, measured %s: %s", v.Name, v.Expected, v.Seen, v.Outcome)
		e.verdicts = append(e.verdicts, v.Name)
		if v.Outcome == "fail" {
			e.failed = append(e.failed, v.Name)
		}
	}
	eventually(t, 30*time.Second, "the cluster is as it was", func() error { return isReset(t) })
	return e
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/experiment"
	"reliability/internal/experiment/report"
	"reliability/internal/experiment/world"
	"reliability/services/caller"
)

// experiments runs the command, and returns what it prints and how it ends.
func experiments(t *testing.T, args ...string) (out, progress string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command()
	cmd.SetArgs(append([]string{"experiment"}, args...))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

func TestListHasEveryExperiment(t *testing.T) {
	out, _, err := experiments(t, "list")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range experiment.All() {
		if !strings.Contains(out, e.Name+" ") || !strings.Contains(out, e.Claim) || !strings.Contains(out, e.Negatives[0].Name) {
			t.Errorf("%s is not there in full:\n%s", e.Name, out)
		}
	}
}

func TestWhatCannotBeRunIsSaidAtOnce(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"nonsense", "all", "rubbish"}, []string{"no such experiment: nonsense, rubbish; there are all, propagation,"}},
		{[]string{"retry", "--seed", "9007199254740992", "--parallel", "0", "--world", "flat", "--fleet", "7"},
			[]string{"--seed is 9007199254740992: must be at most", "--parallel is 0: must be 1 to 100", `--world is "flat": must be simulated or local`, "--fleet is 7: must be 100 to 10000"}},
		{[]string{"retry", "--caller", "localhost:8080", "--world", "simulated"},
			[]string{`--world is "simulated": must be absent or local with --caller`, `--caller is "localhost:8080": must be an http:// or https:// URL`, `--flaky-admin is "": must be`}},
		{[]string{"retry", "jitter", "--negative", "jitter-off"}, []string{`--negative is "jitter-off": must be absent unless one experiment is named`}},
		{[]string{"retry", "--negative", "jitter-off"}, []string{`--negative is "jitter-off": of retry there is retries-off`}},
		{nil, []string{"no experiment is named: name some, or all"}},
	} {
		out, _, err := experiments(t, c.args...)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v; want %q", c.args, err, want)
			}
		}
		if out != "" || errors.Is(err, errVerdict) {
			t.Errorf("%q: printed %q, error %v", c.args, out, err)
		}
	}
}

// TestASeedRepeatsARun, in virtual time outside of go test's own bubbles: the same results,
// but for the real time that they took.
func TestASeedRepeatsARun(t *testing.T) {
	run := func() []report.Result {
		out, progress, err := experiments(t, "retry", "breaker", "--world", "simulated", "--seed", "7", "--json")
		if err != nil {
			t.Fatal(err, progress)
		}
		if !strings.Contains(progress, "2 experiments, seed 7\n") || !strings.Contains(progress, "✓  retry: 2 of 2 verdicts pass") {
			t.Errorf("progress:\n%s", progress)
		}
		var answer struct {
			Results []report.Result `json:"results"`
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatal(err)
		}
		for i := range answer.Results {
			r := &answer.Results[i]
			r.Began, r.Took = r.Began.Truncate(1<<62), 0
		}
		return answer.Results
	}
	first := run()
	if diff := cmp.Diff(first, run()); diff != "" {
		t.Errorf("two runs with one seed, -first +second:\n%s", diff)
	}
	if len(first) != 2 || first[0].Name != "retry" || first[0].Seed != 7 || first[0].World != "simulated" ||
		first[0].Repeat != "go run ./cmd/lab experiment --world simulated retry --seed 7" {
		t.Errorf("results %+v", first)
	}
}

func TestAVerdictThatFailsIsSaid(t *testing.T) {
	out, _, err := experiments(t, "retry", "--world", "simulated", "--seed", "7", "--negative", "retries-off")
	if !errors.Is(err, errVerdict) {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{"✗", "expected", "go run ./cmd/lab experiment --world simulated retry --seed 7 --negative retries-off", "0 inconclusive"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for line := range strings.SplitSeq(out, "\n") {
		if n := len([]rune(line)); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "report")
	if _, progress, err := experiments(t, "retry", "--world", "simulated", "--seed", "7", "-o", dir); err != nil || !strings.Contains(progress, filepath.Join(dir, "index.html")) {
		t.Fatal(err, progress)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	want := []string{"card-retry.svg", "index.html", "results.json", "retry-success.svg"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files, -want +got:\n%s", diff)
	}
	// A report that cannot be written is said, and is no verdict.
	if _, _, err := experiments(t, "retry", "--world", "simulated", "-o", filepath.Join(dir, "index.html")); err == nil || errors.Is(err, errVerdict) || !strings.Contains(err.Error(), "index.html") {
		t.Errorf("written into a file: %v", err)
	}
}

// TestAgainstWhatRuns: a lab over loopback, which is left as it was.
func TestAgainstWhatRuns(t *testing.T) {
	rate := 0.0
	l, err := start(t.Context(), options{
		addr: "127.0.0.1:0", flakyAddr: "127.0.0.1:0", callerAdminAddr: "127.0.0.1:0", flakyAdminAddr: "127.0.0.1:0", load: &rate, logs: io.Discard,
		environ: []string{`CALLER_POLICY={"retry":{"max_attempts":2}}`, `FLAKY_FAULTS={"error_rate":0.01}`, "FLAKY_PROFILE=healthy"},
		network: caller.Network{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	// What somebody has set by hand is put back; the rest is as at the start.
	for path, doc := range map[string]string{"/api/policy": `{"timeout":{"limit":"77ms"}}`, "/api/load": `{"rate":3,"seed":5}`} {
		send(t, http.MethodPut, url(l.caller.Addr())+path, doc)
	}
	at := []string{"--caller", url(l.caller.Addr()), "--flaky-admin", url(l.flaky.AdminAddr()), "--seed", "7"}
	out, progress, err := experiments(t, append([]string{"permanent"}, at...)...)
	if err != nil {
		t.Error(err, progress, out)
	}
	if !strings.Contains(out, "cluster") || !strings.Contains(out, "0 failed") {
		t.Errorf("the table:\n%s", out)
	}
	// What needs more than there is cannot run, which is no verdict.
	out, _, err = experiments(t, append([]string{"layered-retries"}, at...)...)
	if !errors.Is(err, errInconclusive) || !strings.Contains(out, "it needs 3 layers of callers") {
		t.Errorf("%v:\n%s", err, out)
	}
	for path, want := range map[string]string{
		url(l.caller.Addr()) + "/api/policy": `"limit": "77ms"`,
		url(l.flaky.AdminAddr()) + "/faults": `"source": "boot"`,
		url(l.caller.Addr()) + "/api/load":   `"rate": 3`,
	} {
		if body := send(t, http.MethodGet, path, ""); !strings.Contains(body, want) {
			t.Errorf("%s is left as\n%s", path, body)
		}
	}
}

// TestWhereExperimentsRun: one command can measure all, those that need a cluster there and the rest here.
func TestWhereExperimentsRun(t *testing.T) {
	at := []string{"http://127.0.0.1:8088"}
	for _, c := range []struct {
		world     string
		callers   []string
		name, ran string
	}{
		{world.NameLocal, nil, "retry", world.NameLocal},
		{world.NameLocal, nil, "fleet", world.NameSimulated},
		{world.NameLocal, nil, "pinning", world.NameLocal}, // which says that it is not there
		{world.NameLocal, at, "retry", world.NameLocal},
		{world.NameLocal, at, "pinning", world.NameCluster},
		{world.NameCluster, at, "retry", world.NameCluster},
		{world.NameCluster, at, "fleet", world.NameSimulated},
		{world.NameSimulated, nil, "retry", world.NameSimulated},
	} {
		found, err := experiment.Find([]string{c.name})
		if err != nil {
			t.Fatal(err)
		}
		o := experimentOptions{world: c.world, callers: c.callers}
		if got := o.worldOf(found[0]); got != c.ran {
			t.Errorf("%s by --world %s --caller %v: runs %s, want %s", c.name, c.world, c.callers, got, c.ran)
		}
	}
}

// TestHowTheCommandEnds: which exit code what leads to.
func TestHowTheCommandEnds(t *testing.T) {
	pass, fail := report.Verdict{Outcome: report.Pass}, report.Verdict{Outcome: report.Fail}
	unclear := report.Verdict{Outcome: report.Inconclusive}
	of := func(v ...report.Verdict) report.Result { return report.Result{Verdicts: v} }
	skipped := report.Result{Skipped: "not here"}
	for _, c := range []struct {
		results []report.Result
		want    error
	}{
		{[]report.Result{of(pass), of(pass, pass)}, nil},
		{[]report.Result{of(pass), skipped}, nil},
		{[]report.Result{skipped}, errInconclusive},
		{[]report.Result{of(pass), of(unclear)}, errInconclusive},
		{[]report.Result{of(pass), {Err: "broken"}}, errInconclusive},
		{[]report.Result{of()}, errInconclusive},
		{[]report.Result{of(unclear), of(pass, fail), {Err: "broken"}}, errVerdict},
	} {
		if got := verdict(c.results); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%+v: %v; want %v", c.results, got, c.want)
		}
	}
}

// send sends a request and returns the answer, which must be a success.
func send(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, url, res.Status, answer, err)
	}
	return string(answer)
}

// TestRepeatCommand: what repeats an experiment is as short as its world allows, also where several were run in different ones.
func TestRepeatCommand(t *testing.T) {
	const running = "go run ./cmd/lab experiment --caller http://127.0.0.1:8088 --kube-context here --namespace reliability"
	for _, c := range []struct {
		world, name, want string
		deployed          bool
	}{
		{world.NameLocal, "retry", "go run ./cmd/lab experiment", false},
		{world.NameLocal, "retry", "go run ./cmd/lab experiment", true},
		{world.NameLocal, "fleet", "go run ./cmd/lab experiment", true},
		{world.NameLocal, "pinning", running, true},
		{world.NameCluster, "retry", running, true},
		{world.NameSimulated, "retry", "go run ./cmd/lab experiment --world simulated", false},
		{world.NameSimulated, "fleet", "go run ./cmd/lab experiment", false},
	} {
		o := experimentOptions{world: c.world}
		if c.deployed {
			o.callers, o.kube = []string{"http://127.0.0.1:8088"}, world.Kube{Context: "here", Namespace: "reliability"}
		}
		found, err := experiment.Find([]string{c.name})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.command(found[0]); got != c.want {
			t.Errorf("%s in %s, deployed %t: %q, want %q", c.name, c.world, c.deployed, got, c.want)
		}
	}
}

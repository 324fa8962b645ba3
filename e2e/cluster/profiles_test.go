package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// profile is what caller says of a call to a Deployment of the mixing desk, alone and without policies but a timeout.
type profile struct {
	name  string
	check func(*testing.T, answer) error // of one call
}

func profiles() []profile {
	return []profile{
		{"errors", func(_ *testing.T, a answer) error {
			return wantAttempt(a, http.StatusBadGateway, "failure", attempt{Result: "error", Phase: "response", Cause: "status", Status: 503})
		}},
		{"hang", func(_ *testing.T, a answer) error {
			return wantAttempt(a, http.StatusGatewayTimeout, "timeout", attempt{Result: "timeout", Phase: "response", Cause: "timeout"})
		}},
		{"reset", func(_ *testing.T, a answer) error {
			return wantAttempt(a, http.StatusBadGateway, "failure", attempt{Result: "error", Phase: "response", Cause: "reset"})
		}},
		{"slow", checkSlow},
		{"flap", checkFlap},
	}
}

// TestEachProfileIsRecognised turns one slider up at a time, with all others down. What fails is what the name
// says, to caller's clients as to Jaeger's.
func TestEachProfileIsRecognised(t *testing.T) {
	leaveReset(t)
	last := "flaky"
	for _, p := range profiles() {
		deployment := "flaky-" + p.name
		if _, err := kubectl(t.Context(), "scale", "deployment/"+last, "--replicas=0"); err != nil {
			t.Fatal(err)
		}
		if _, err := kubectl(t.Context(), "scale", "deployment/"+deployment, "--replicas=1"); err != nil {
			t.Fatal(err)
		}
		last = deployment
		eventually(t, time.Minute, "only "+deployment+" serves", func() error {
			if got := serving(t, "flaky"); len(got) != 1 || !strings.HasPrefix(got[0], deployment+"-") {
				return fmt.Errorf("these do: %v", got)
			}
			return gone(t, "app.kubernetes.io/name=flaky", 1)
		})
		t.Run(p.name, func(t *testing.T) {
			var seen answer
			// The node's own rules follow within a second or two.
			eventually(t, 30*time.Second, "a call to "+deployment+" ends as it should", func() error {
				seen = callWith(t, "order=timeout")
				return p.check(t, seen)
			})
			if err := everyReplica(t, deployment+"-", func(r replica) error {
				if r.Profile != p.name || r.Source != "boot" || r.Healthy {
					return fmt.Errorf("/api/faults says that it is %q, healthy %t, with faults from %s", r.Profile, r.Healthy, r.Source)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			tr := findTrace(t, seen.TraceID, func(tr trace) error {
				if tr.count("flaky") != 1 {
					return fmt.Errorf("%d spans of flaky", tr.count("flaky"))
				}
				return nil
			})
			for _, process := range tr.Processes {
				if got := process.Tags.get("k8s.deployment.name"); process.ServiceName == "flaky" && got != deployment {
					t.Errorf("flaky's span is of the Deployment %q, want %s", got, deployment)
				}
			}
		})
	}
	if _, err := kubectl(t.Context(), "scale", "deployment/"+last, "--replicas=0"); err != nil {
		t.Fatal(err)
	}
	if _, err := kubectl(t.Context(), "scale", "deployment/flaky", "--replicas=3"); err != nil {
		t.Fatal(err)
	}
	replicasServe(t, 3)
}

func wantAttempt(a answer, code int, outcome string, want attempt) error {
	want.Attempt = 1
	if len(a.Attempts) == 1 {
		want.ServedBy = a.Attempts[0].ServedBy // not known of those that do not answer
	}
	if a.code != code || a.Outcome != outcome || len(a.Attempts) != 1 || a.Attempts[0] != want {
		return fmt.Errorf("GET /call answered %d, want %d, %s, and the attempt %+v: %s", a.code, code, outcome, want, a.body)
	}
	return nil
}

// checkSlow looks at more calls, for a latency is drawn. Their median is 200 ms in the long run, and that of so many
// between half and two and a half times as much but for one run in thousands.
func checkSlow(t *testing.T, first answer) error {
	const calls = 21
	if first.code != http.StatusOK && first.Outcome != "timeout" {
		return fmt.Errorf("GET /call answered %d, want a success or a timeout: %s", first.code, first.body)
	}
	var took []float64
	for range calls {
		a := callWith(t, "order=none")
		if a.code != http.StatusOK {
			return fmt.Errorf("without a timeout, GET /call answered %d: %s", a.code, a.body)
		}
		took = append(took, a.Elapsed)
	}
	slices.Sort(took)
	t.Logf("%d calls took %.0f ms", calls, took)
	if median := took[calls/2]; median < 100 || median > 500 {
		t.Errorf("the median of %d calls is %.0f ms, want some 200: %.0f", calls, median, took)
	}
	return nil
}

// checkFlap waits for both phases of one period. What caller says of the phase is held against the calls: those made
// all within the good one succeed, those within the bad one meet 503.
func checkFlap(t *testing.T, _ answer) error {
	const period = 20 * time.Second
	phase := func() (index int, err error) {
		index = -1
		err = everyReplica(t, "flaky-flap-", func(r replica) error {
			var p struct{ Index *int }
			if err := json.Unmarshal(r.Phase, &p); err != nil || p.Index == nil {
				return fmt.Errorf("/api/faults does not say which phase it is in: %s", r.Phase)
			}
			index = *p.Index
			return nil
		})
		return index, err
	}
	seen := map[int]int{} // calls, by phase
	for start := time.Now(); time.Since(start) < period+time.Second && len(seen) < 2; time.Sleep(250 * time.Millisecond) {
		before, err := phase()
		if err != nil {
			return err
		}
		a := callWith(t, "order=none")
		after, err := phase()
		if err != nil {
			return err
		}
		if before != after { // it is either's
			continue
		}
		seen[before]++
		if before == 0 && a.code != http.StatusOK {
			t.Errorf("in the good phase GET /call answered %d: %s", a.code, a.body)
		}
		if before == 1 && (a.code != http.StatusBadGateway || len(a.Attempts) != 1 || a.Attempts[0].Status != http.StatusServiceUnavailable) {
			t.Errorf("in the bad phase GET /call answered %d, want 502 for a 503: %s", a.code, a.body)
		}
	}
	if seen[0] == 0 || seen[1] == 0 {
		return fmt.Errorf("in one period the calls were in the phases %v, want both", seen)
	}
	t.Logf("calls by phase: %v", seen)
	return nil
}

package caller

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/pkg/resilience"
)

// event is one of a stream.
type event struct{ kind, data string }

// watch reads GET /api/events until the function that it returns is called, which returns
// what there was.
func (w *world) watch() (stop func() []event) {
	w.Helper()
	res, err := w.client.Do(w.request("GET", "/api/events", ""))
	if err != nil {
		w.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		w.Fatalf("GET /api/events: %s", res.Status)
	}
	var events []event
	ended := make(chan bool)
	go func() {
		defer close(ended)
		var e event
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				e.kind = value
			case "data":
				e.data = value
				events = append(events, e)
			}
		}
	}()
	synctest.Wait()
	return func() []event {
		_ = res.Body.Close()
		<-ended
		return events
	}
}

// TestWhoeverWatchesSeesEveryDecision, each call as its client does, and the state around
// them; both engines decide alike.
func TestWhoeverWatchesSeesEveryDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", failing)
		stop := w.watch()
		var answers []Answer
		for range 3 {
			for _, engine := range []string{"handrolled", "gobreaker"} {
				answers = append(answers, w.call("?engine="+engine).Answer)
			}
		}
		var b BreakerState
		w.ask("POST", "/api/breakers/handrolled/auto", "", &b)
		w.ask("POST", "/api/breakers/handrolled/observe", "", &b)
		time.Sleep(time.Second)
		decisions := map[string][]string{}
		var calls []Answer
		snapshots := 0
		for _, e := range stop() {
			switch e.kind {
			case "snapshot":
				var s State
				decode(t, e.data, &s)
				if snapshots++; s.Instance != "caller-1" || len(s.Engines) != 2 || s.Readers != 1 {
					t.Errorf("snapshot %s", e.data)
				}
			case eventDecision:
				var d Decision
				decode(t, e.data, &d)
				text := d.Kind
				switch {
				case d.Transition != nil:
					text = fmt.Sprintf("%s → %s: %s", d.Transition.From, d.Transition.To, d.Transition.Reason)
				case d.Mode != "":
					text += " " + d.Mode
				case d.DelayMS > 0:
					text += fmt.Sprintf(" %d after %v ms", d.Attempt, d.DelayMS)
				}
				decisions[d.Engine] = append(decisions[d.Engine], text)
				byHand := d.Mode != "" || d.Transition != nil && d.Transition.From == "open"
				if len(d.TraceID) != 32 && !byHand || d.At.IsZero() {
					t.Errorf("decision %s", e.data)
				}
			case eventCall:
				var c CallEvent
				decode(t, e.data, &c)
				calls = append(calls, c.Answer)
				if c.Error == "" || c.At.IsZero() {
					t.Errorf("call %s", e.data)
				}
			default:
				t.Errorf("%s: %s", e.kind, e.data)
			}
		}
		if snapshots < 6 { // 500 ms of back-offs, and a second
			t.Errorf("%d snapshots", snapshots)
		}
		if len(calls) != len(answers) {
			t.Fatalf("%d calls were made, %d were seen", len(answers), len(calls))
		}
		for i := range answers {
			if diff := cmp.Diff(text(t, answers[i]), text(t, calls[i])); diff != "" {
				t.Errorf("call %d, -answer +event:\n%s", i, diff)
			}
		}
		want := []string{
			"attempt", "retry 1 after 100 ms", "attempt", "give up",
			"attempt", "retry 1 after 100 ms", "attempt", "give up",
			"closed → open: 5 of 5 failures in a row", "attempt", "retry 1 after 100 ms", "rejected", "attempt", "give up",
		}
		if diff := cmp.Diff(want, decisions["gobreaker"]); diff != "" {
			t.Errorf("gobreaker -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(slices.Concat(want, []string{"mode observe", "open → closed: " + resilience.ModeObserve.Reason()}), decisions["handrolled"]); diff != "" {
			t.Errorf("handrolled -want +got:\n%s", diff)
		}
	})
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestWhatIsHeldByHandProbesAtNoKnownTime: neither a breaker held open, nor one that only observes.
func TestWhatIsHeldByHandProbesAtNoKnownTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, `CALLER_POLICY={"order":["breaker"],"breaker":{"failures":1}}`)
		w.serve("upstream.test:80", failing)
		for _, c := range []struct {
			mode, state string
			known       float64
		}{{"observe", "closed", 0}, {"open", "open", 0}, {"auto", "open", 5000}} {
			var b BreakerState
			w.ask("POST", "/api/breakers/handrolled/"+c.mode, "", &b)
			w.call("?engine=handrolled")
			if b = w.state().Engines["handrolled"].Breaker; b.State != c.state || b.HalfOpenInMS != c.known {
				t.Errorf("%s: %s, half-open in %v ms; want %s, %v", c.mode, b.State, b.HalfOpenInMS, c.state, c.known)
			}
		}
	})
}

// TestWhyABreakerIsNotOpenYet, in the words of its own rules.
func TestWhyABreakerIsNotOpenYet(t *testing.T) {
	now := time.Unix(1000, 0)
	for want, s := range map[string]resilience.Stats{
		"3 of 5 failures in a row": {Counts: resilience.Counts{Failures: 3}, FailuresToOpen: 5},
		"17 calls seen, 20 needed before a rate counts; 9 of 17 calls failed, opens at 50 %": {Counts: resilience.Counts{Calls: 17, Failed: 9}, FailureRateToOpen: 0.5, CallsToJudge: 20},
		"1 of 2 failures in a row; 9 of 20 calls failed, opens at 50 %":                      {Counts: resilience.Counts{Failures: 1, Calls: 20, Failed: 9}, FailuresToOpen: 2, FailureRateToOpen: 0.5, CallsToJudge: 20},
		"5 of 22 calls slow, opens at 33.33 %":                                               {Counts: resilience.Counts{Calls: 20, Slow: 3, Overdue: 2}, SlowRateToOpen: 1 / 3.0, CallsToJudge: 20},
		"only observes; 0 of 5 failures in a row":                                            {Mode: resilience.ModeObserve, FailuresToOpen: 5},
		"held open by hand":                {Mode: resilience.ModeOpen, State: resilience.Open},
		"held closed by hand":              {Mode: resilience.ModeClosed},
		"turns calls away, probes in 1.5s": {State: resilience.Open, Until: now.Add(1520 * time.Millisecond)},
		"1 of 2 probes succeeded, 1 out":   {State: resilience.HalfOpen, ProbesPassed: 1, ProbesOut: 1, ProbesToClose: 2},
	} {
		if got := why(s, now); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

// TestEveryCallerIsAsked: each has breakers of its own, and one that is gone is named.
func TestEveryCallerIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_PEERS_URL=http://callers.test:8080")
		w.hosts = map[string][]string{"callers.test": {"10.0.0.2", "10.0.0.1", "10.0.0.3"}}
		for _, host := range w.hosts["callers.test"][:2] {
			cfg, err := LoadConfig([]string{"CALLER_ADDR=" + host + ":8080", "CALLER_ADMIN_ADDR=" + host + ":8090", "CALLER_NAME=caller-" + host, "CALLER_DRAIN=0s"})
			if err != nil {
				t.Fatal(err)
			}
			w.start(cfg, w.tel)
		}
		var all Instances
		if status := w.ask("GET", "/api/state?all=1", "", &all); status != http.StatusOK || len(all.Instances) != 3 {
			t.Fatalf("%d %+v", status, all)
		}
		for n, i := range all.Instances {
			if n == 2 {
				if i.Address != "10.0.0.3:8080" || !strings.Contains(i.Error, "connection refused") || i.State != nil {
					t.Errorf("the one that is gone: %+v", i)
				}
				continue
			}
			var s State
			decode(t, string(i.State), &s)
			if want := fmt.Sprintf("10.0.0.%d", n+1); i.Address != want+":8080" || s.Instance != "caller-"+want || i.Error != "" {
				t.Errorf("%d: %s %s %s", n, i.Address, s.Instance, i.Error)
			}
		}
	})
}

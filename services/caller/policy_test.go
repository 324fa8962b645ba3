package caller

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/problem"
)

func TestAPolicyThatIsRefused(t *testing.T) {
	for document, want := range map[string]string{
		`{"order":["retry","retry"]}`: `order is ["retry","retry"]: must be an array of policies, the outermost first, each once at most: deadline, retry, rate_limit, timeout, breaker, bulkhead`,
		`{"order":["breaker","retry"]}`: `order is ["breaker","retry"]: must be one in which every policy can do what it promises, or any_order true: ` +
			`retry inside circuit breaker: the breaker sees one result of many attempts, so it opens late, and each of its probes is a burst`,
		`{"order":["deadline","timeout"],"deadline":{"limit":"1s"},"timeout":{"limit":"1s"}}`: `order is ["deadline","timeout"]: must be one in which every policy can do what it promises, or any_order true: ` +
			`timeout inside timeout: the outer limit of 1s passes first, so the inner one of 1s never does anything`,
		`{"retry":{"base":"3s","max":"2s"}}`:              `retry.max is 2s: must be at least base`,
		`{"breaker":{"slow_rate":0.5}}`:                   `breaker.slow_after: must be above 0 with a slow_rate`,
		`{"breaker":{"window_calls":10}}`:                 `breaker.window_calls is 10: must be 0 without a failure_rate or slow_rate`,
		`{"breaker":{"open_for":"2m","open_max":"1m"}}`:   `breaker.open_max is 1m: must be at least open_for`,
		`{"breaker":{"open_growth":2,"open_jitter":0.5}}`: "breaker.open_growth is 2: must be 0 or 1: gobreaker's timeout is one fixed duration\nbreaker.open_jitter is 0.5: must be 0: gobreaker's timeout is one fixed duration",
		`{"connections":{"max_age":"1s"}}`:                `connections.max_age is 1s: must be 0s unless mode is "pooled"`,
		`{"timeouts":{}}`:                                 `timeouts is {}: must be absent: the fields here are any_order, breaker, bulkhead, connections, deadline, order, rate_limit, retry, timeout`,
		`[]`:                                              `document is []: must be one JSON object`,
	} {
		_, err := ParsePolicy([]byte(document))
		if _, ok := errors.AsType[problem.Fields](err); !ok || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", document, err, want)
		}
	}
}

// TestAPolicyIsCompleted: what is left out is as by default, and what hangs on something
// else follows it.
func TestAPolicyIsCompleted(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"retry":{"base":"5s"},"breaker":{"failure_rate":0.5,"window_calls":10}}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Retry.Max != p.Retry.Base || p.Breaker.Failures != 0 || p.Breaker.MinCalls != 10 || p.Breaker.Probes != 2 {
		t.Errorf("%+v", p)
	}
	if p, err = ParsePolicy([]byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text(t, DefaultPolicy()), text(t, p)); diff != "" {
		t.Error(diff)
	}
}

// TestAPolicyIsChangedByDocument: put, patched, refused, returned; what it costs is said.
func TestAPolicyIsChangedByDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", failing)
		step := func(method, body string, status, version int, source string, attempts int) PolicyAnswer {
			t.Helper()
			var a PolicyAnswer
			if got := w.ask(method, "/api/policy", body, &a); got != status {
				t.Fatalf("%s %s: %d", method, body, got)
			}
			if status != http.StatusOK {
				w.ask("GET", "/api/policy", "", &a)
			}
			if a.Version != version || a.Source != source || a.Policy.Retry.MaxAttempts != attempts || a.Explain.MostAttempts != attempts {
				t.Errorf("after %s %s: version %d from %s with %d attempts, explained as %+v", method, body, a.Version, a.Source, a.Policy.Retry.MaxAttempts, a.Explain)
			}
			return a
		}
		boot := step("GET", "", 200, 1, "boot", 2)
		if boot.Explain.Pipeline != "retry(timeout(circuitbreaker(call)))" || boot.Explain.LongestTimeMS != 600 || boot.Explain.LoadFactor != 1.5 || boot.Policy.Retry.Jitter != "none" {
			t.Errorf("%+v", boot.Explain)
		}
		if a := step("PUT", `{"retry":{"max_attempts":3,"budget":{"on":false}}}`, 200, 2, "api", 3); a.Policy.Retry.Jitter != "full" || a.Explain.LoadFactor != 3 {
			t.Errorf("put: %+v", a)
		}
		if a := step("PATCH", `{"retry":{"max_attempts":5},"timeout":{"limit":"1s"}}`, 200, 3, "api", 5); a.Policy.Retry.Budget.On || a.Policy.Timeout.Limit.String() != "1s" {
			t.Errorf("patched: %+v", a)
		}
		step("PUT", `{"retry":{"max_attempts":9},"timeout":{"limit":"0s"}}`, 400, 3, "api", 5)
		step("PATCH", `{"retry":{"max_attempts":9,"max_attempts":8}}`, 400, 3, "api", 5)
		if a := step("PATCH", `{"order":["breaker","retry"],"any_order":true}`, 200, 4, "api", 5); len(a.Explain.Warnings) != 1 {
			t.Errorf("warnings: %v", a.Explain.Warnings)
		}
		if a := w.call(""); a.Policy != 4 || a.Pipeline != "circuitbreaker(retry(call))" {
			t.Errorf("a call by the policy: %+v", a.Answer)
		}
		if a := step("DELETE", "", 200, 5, "boot", 2); text(t, a.Policy) != text(t, boot.Policy) {
			t.Error(cmp.Diff(text(t, boot.Policy), text(t, a.Policy)))
		}
	})
}

// TestStateSurvivesAPolicy: the breaker stays open, what was counted stays, and calls that
// run end under the policy that they began under.
func TestStateSurvivesAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		release := make(chan bool)
		slow := func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		w.serve("upstream.test:80", slow)
		running := make(chan called)
		go func() { running <- w.call("?engine=gobreaker") }()
		synctest.Wait()
		time.Sleep(300 * time.Millisecond) // it waits for its second attempt
		for range 2 {
			w.call("")
		}
		before := w.state()
		w.put("/api/policy", `{"retry":{"max_attempts":1},"timeout":{"limit":"10ms"},"breaker":{"failures":6}}`)
		after := w.state()
		if b, a := before.Engines["handrolled"].Breaker, after.Engines["handrolled"].Breaker; b.Failures != 4 || a.Failures != 4 || a.FailuresToOpen != 6 {
			t.Errorf("before %+v, after %+v", b, a)
		}
		if a := <-running; a.said() != "504 timeout [timeout timeout]" || a.Policy != 1 || a.Attempts[1].DurationMS != 250 {
			t.Errorf("the running call: %s %+v", a.said(), a.Answer)
		}
		for range 2 {
			if a := w.call(""); a.said() != "504 timeout [timeout]" || a.Policy != 2 || a.ElapsedMS != 10 {
				t.Errorf("the next call: %s", a.said())
			}
		}
		w.put("/api/policy", `{"breaker":{"open_for":"1m"}}`)
		if b := w.state().Engines["handrolled"].Breaker; b.State != "open" || b.Last.Reason != "6 of 6 failures in a row" || b.HalfOpenInMS != 5000 {
			t.Errorf("an announced time is not kept: %+v", b)
		}
	})
}

// TestThePolicyChangesAThousandTimesUnderLoad: no call is lost, and none has limits of two
// policies. In policy a, attempts take 20 ms and there are two; in b, 50 ms and three.
func TestThePolicyChangesAThousandTimesUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		w.serve("upstream.test:80", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		policies := []string{
			`{"order":["retry","timeout"],"retry":{"max_attempts":2,"base":"1ms","jitter":"none","budget":{"on":false}},"timeout":{"limit":"20ms"},"breaker":{"failures":1000000}}`,
			`{"order":["retry","timeout","breaker"],"retry":{"max_attempts":3,"base":"10ms","jitter":"none","multiplier":1,"budget":{"on":false}},"timeout":{"limit":"50ms"},"breaker":{"failures":1000000}}`,
		}
		want := []string{"[20 20] 41", "[50 50 50] 170"}
		w.put("/api/policy", policies[0]) // version 2 is the first, and so is every even one
		const clients = 100
		var calls sync.WaitGroup
		stop := make(chan bool)
		made := make([]int, clients)
		for i := range clients {
			calls.Go(func() {
				engine := []string{"handrolled", "gobreaker"}[i%2]
				for {
					select {
					case <-stop:
						return
					default:
					}
					a := w.call("?engine=" + engine)
					made[i]++
					var took []float64
					for _, attempt := range a.Attempts {
						took = append(took, attempt.DurationMS)
					}
					if got := fmt.Sprint(took, " ", a.ElapsedMS); a.Outcome != "timeout" || got != want[a.Policy%2] {
						t.Errorf("version %d: %s took %s; want %s", a.Policy, a.said(), got, want[a.Policy%2])
					}
				}
			})
		}
		for i := 1; i <= 1000; i++ {
			time.Sleep(time.Millisecond)
			w.put("/api/policy", policies[i%2])
		}
		close(stop)
		calls.Wait()
		sum := 0
		for _, n := range made {
			sum += n
		}
		s := w.state()
		if s.Policy.Version != 1002 {
			t.Errorf("version %d", s.Policy.Version)
		}
		got := s.Engines["handrolled"].Calls + s.Engines["gobreaker"].Calls
		if sum == 0 || got != uint64(sum) {
			t.Errorf("%d calls made, %d counted", sum, got)
		}
		for name, e := range s.Engines {
			if e.InFlight != 0 {
				t.Errorf("%s: %d in flight", name, e.InFlight)
			}
		}
		t.Logf("%d calls while the policy changed 1000 times", sum)
	})
}

// TestSeveralPatchesAtOnce: none is lost.
func TestSeveralPatchesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		var all sync.WaitGroup
		for _, patch := range []string{`{"timeout":{"limit":"7ms"}}`, `{"retry":{"max_attempts":7}}`, `{"bulkhead":{"max_concurrent":7}}`, `{"rate_limit":{"burst":7}}`} {
			all.Go(func() {
				var a PolicyAnswer
				w.ask("PATCH", "/api/policy", patch, &a)
			})
		}
		all.Wait()
		var a PolicyAnswer
		w.ask("GET", "/api/policy", "", &a)
		if p := a.Policy; p.Timeout.Limit.String() != "7ms" || p.Retry.MaxAttempts != 7 || p.Bulkhead.MaxConcurrent != 7 || p.RateLimit.Burst != 7 {
			t.Errorf("%+v", p)
		}
	})
}

package flaky

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatTheClientSees of each fault, when, and what the span and /stats say of it.
func TestWhatTheClientSees(t *testing.T) {
	for _, c := range []struct {
		document string
		sees     string // status or error, and when
		outcome  outcome
		span     string // faults, error
	}{
		{`{}`, "200 after 0s", outcomeOK, "[] "},
		{`{"latency":{"value":"2s"}}`, "200 after 2s", outcomeOK, "[latency] "},
		{`{"latency":{"value":"11s"}}`, "timeout after 10s", outcomeAbandoned, "[latency] the client did not wait for the answer"},
		{`{"error_rate":1}`, "503 after 0s", outcomeError, "[error] error"},
		{`{"error_rate":1,"error_status":404}`, "404 after 0s", outcomeError, "[error] "}, // a server span of a 4xx is no error
		{`{"error_rate":1,"latency":{"value":"2s"}}`, "503 after 2s", outcomeError, "[latency error] error"},
		{`{"error_rate":1,"after_work":true}`, "503 after 0s", outcomeError, "[error] error"},
		{`{"fail_first":{"count":1},"error_status":500}`, "500 after 0s", outcomeError, "[fail_first] error"},
		{`{"hang":{"rate":1}}`, "timeout after 10s", outcomeHang, "[hang] the client did not wait for the answer"},
		{`{"hang":{"rate":1,"cap":"3s"}}`, "EOF after 3s", outcomeHang, "[hang] injected fault: hang"},
		{`{"reset":{"rate":1}}`, "reset after 0s", outcomeReset, "[reset] injected fault: reset"},
		{`{"reset":{"rate":1,"at":"body"}}`, "200 and reset after 0s", outcomeReset, "[reset] injected fault: reset"},
		{`{"truncate":{"rate":1}}`, "200 and unexpected EOF after 0s", outcomeTruncate, "[truncate] injected fault: truncate"},
		{`{"truncate":{"rate":1},"error_rate":1}`, "503 and unexpected EOF after 0s", outcomeTruncate, "[error truncate] injected fault: truncate"},
		{`{"truncate":{"rate":1},"drip":{"rate":1,"over":"5s"}}`, "200 and unexpected EOF after 5s", outcomeTruncate, "[truncate drip] injected fault: truncate"},
		{`{"error_rate":1,"error_status":430}`, "430 after 0s", outcomeError, "[error] "},
		{`{"drip":{"rate":1,"over":"5s"}}`, "200 after 5s", outcomeOK, "[drip] "},
		{`{"drip":{"rate":1,"over":"20s"}}`, "200 and timeout after 10s", outcomeAbandoned, "[drip] the client did not wait for the answer"},
		{`{"capacity":{"workers":1,"service_time":{"value":"2s"}}}`, "200 after 2s", outcomeOK, "[] "},
		{`{"unready":true}`, "200 after 0s", outcomeOK, "[] "},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, c.document)
			got, after := r.get(within(t, 10*time.Second))
			if got := fmt.Sprint(got, " after ", after); got != c.sees {
				t.Errorf("%s: the client sees %s; want %s", c.document, got, c.sees)
			}
			time.Sleep(20 * time.Second) // whatever the client left behind
			if diff := cmp.Diff(map[outcome]uint64{c.outcome: 1}, r.service.read(time.Second).Outcomes); diff != "" {
				t.Errorf("%s: outcomes, -want +got:\n%s", c.document, diff)
			}
			spans, _ := r.spans.Trace(r.spans.Recent(1)[0])
			met := spans[0].Attributes["reliability.faults"]
			if met == nil {
				met = []string{}
			}
			if got := fmt.Sprint(met, " ", spans[0].Error); got != c.span {
				t.Errorf("%s: span %q; want %q", c.document, got, c.span)
			}
		})
	}
}

// TestRatesThroughTheService: what clients count is binomial, and what they wait is the
// distribution, over real HTTP.
func TestRatesThroughTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, seed = 2000, 3
		r := run(t, fmt.Sprintf(`{"seed":%d,"error_rate":0.3,"latency":%s}`, seed, distributions[3].document))
		var (
			mu     sync.Mutex
			failed int
			waits  []float64
			all    sync.WaitGroup
		)
		for range 100 {
			all.Go(func() {
				for range n / 100 {
					got, after := r.get(context.WithoutCancel(t.Context()))
					mu.Lock()
					if got == "503" {
						failed++
					}
					waits = append(waits, after.Seconds())
					mu.Unlock()
				}
			})
		}
		all.Wait()
		binomial(t, fmt.Sprintf("errors, seed %d", seed), failed, n, 0.3)
		kolmogorovSmirnov(t, fmt.Sprintf("latency, seed %d", seed), waits, distributions[3].cdf)
	})
}

// TestTheSameRunAgain: the document put in force a second time meets the same requests
// with the same faults, also when they race.
func TestTheSameRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		once := func() map[string]string {
			r.faults("PUT", `{"seed":9,"error_rate":0.4,"reset":{"rate":0.2},"latency":{"distribution":"uniform","min":"0s","max":"1s"}}`)
			got := map[string]string{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for _, i := range rand.Perm(300) {
				all.Go(func() {
					call, attempt := fmt.Sprint("call-", i/3), fmt.Sprint(i%3)
					sees, after := r.get(context.WithoutCancel(t.Context()), "X-Call-Id", call, "X-Attempt", attempt)
					mu.Lock()
					defer mu.Unlock()
					got[call+"/"+attempt] = fmt.Sprint(sees, after)
				})
			}
			all.Wait()
			return got
		}
		first := once()
		if diff := cmp.Diff(first, once()); diff != "" {
			t.Errorf("-first +second:\n%s", diff)
		}
		// Without call ids it is the order of arrival that counts, from the document on.
		inOrder := func() (got []string) {
			r.faults("PUT", `{"seed":9,"error_rate":0.4}`)
			for range 100 {
				sees, _ := r.get(context.WithoutCancel(t.Context()))
				got = append(got, sees)
			}
			return got
		}
		if diff := cmp.Diff(inOrder(), inOrder()); diff != "" {
			t.Errorf("by arrival, -first +second:\n%s", diff)
		}
	})
}

// TestScheduleThroughTheService: each phase for exactly its time.
func TestScheduleThroughTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"schedule":[{"for":"10s"},{"for":"5s","error_rate":1,"unready":true}],"loop":true}`)
		for round := range 3 {
			for _, step := range []struct {
				wait  time.Duration
				sees  string
				ready int
				index int
			}{{0, "200", 200, 0}, {10*time.Second - 1, "200", 200, 0}, {1, "503", 503, 1}, {5*time.Second - 1, "503", 503, 1}} {
				time.Sleep(step.wait)
				got, _ := r.get(context.WithoutCancel(t.Context()))
				ready, _, _ := r.do("GET", "http://flaky:90/readyz", "")
				s := r.faults("GET", "")
				if got != step.sees || ready != step.ready || s.Phase == nil || s.Phase.Index != step.index || s.Phase.Of != 2 {
					t.Errorf("round %d after %v: %s, ready %d, %+v; want %+v", round, step.wait, got, ready, s.Phase, step)
				}
				if now := time.Now(); now.Before(s.Phase.Since) || !now.Before(s.Phase.Until) {
					t.Errorf("phase from %v to %v, at %v", s.Phase.Since, s.Phase.Until, now)
				}
			}
			time.Sleep(1)
		}
	})
}

func TestProbesMetricsAndAdminAreNeverFaulted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"error_rate":1,"latency":{"value":"1m"},"hang":{"rate":1},"reset":{"rate":1},"truncate":{"rate":1},"drip":{"rate":1,"over":"1m"},
			"fail_first":{"count":1000},"capacity":{"workers":1,"service_time":{"value":"1m"}}}`)
		begin := time.Now()
		for range 3 {
			for _, path := range []string{":90/livez", ":90/readyz", ":90/metrics", ":90/faults", ":90/stats", "/charges"} {
				if code, body, _ := r.do("GET", "http://flaky"+path, ""); code != 200 {
					t.Errorf("GET %s: %d %s", path, code, body)
				}
			}
		}
		if got := time.Since(begin); got != 0 {
			t.Errorf("they took %v", got)
		}
	})
}

// TestTheEnd: what cannot be answered within the grace ends when the drain does; a hang
// does so always.
func TestTheEnd(t *testing.T) {
	for document, want := range map[string]string{
		`{"latency":{"value":"6s"}}`:                                             "200 after 6s", // within the grace
		`{"latency":{"value":"9s"}}`:                                             "503 after 4s",
		`{"hang":{"rate":1}}`:                                                    "503 after 4s",
		`{"hang":{"rate":1,"cap":"5s"}}`:                                         "503 after 4s",
		`{"capacity":{"workers":1,"service_time":{"value":"6s"}}}`:               "200 after 6s",
		`{"capacity":{"workers":1,"service_time":{"value":"9s"}}}`:               "503 after 4s",
		`{"drip":{"rate":1,"over":"6s"}}`:                                        "200 after 6s",
		`{"drip":{"rate":1,"over":"2m"},"error_rate":1,"error_status":500}`:      "500 and unexpected EOF after 8s",
		`{"latency":{"value":"6s"},"hang":{"rate":1},"after_work":true}`:         "503 after 6s",
		`{"schedule":[{"for":"1s","hang":{"rate":1}}],"latency":{"value":"1s"}}`: "503 after 4s",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, document, func(c *Config) { c.Drain, c.Grace = 3*time.Second, 4*time.Second })
			done := make(chan string)
			go func() {
				got, after := r.get(context.WithoutCancel(t.Context()))
				done <- fmt.Sprint(got, " after ", after)
			}()
			time.Sleep(time.Second)
			ended := make(chan bool)
			go func() { r.end(); close(ended) }()
			if got := <-done; got != want {
				t.Errorf("%s: %s; want %s", document, got, want)
			}
			<-ended
		})
	}
}

// TestRecordedAndLost: with after_work a charge is recorded though its client sees a failure.
func TestRecordedAndLost(t *testing.T) {
	for _, fault := range []string{`"error_rate":1`, `"hang":{"rate":1,"cap":"1s"}`, `"reset":{"rate":1}`, `"fail_first":{"count":10}`} {
		for _, late := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, fmt.Sprintf(`{%s,"after_work":%v}`, fault, late))
				if status, _ := r.post("k", `{"order":"o-1","amount":5}`); status == 201 {
					t.Errorf("%s: answered", fault)
				}
				recorded := r.service.ledger.read(0).Charges
				if recorded != map[bool]int{false: 0, true: 1}[late] {
					t.Errorf("%s, after the work %v: %d charges", fault, late, recorded)
				}
				r.faults("PUT", `{}`)
				status, header := r.post("k", `{"order":"o-1","amount":5}`)
				if status != 201 || (header == "true") != late || r.service.ledger.read(0).Charges != 1 {
					t.Errorf("%s, after the work %v: tried again, %d, replayed %q, %d charges", fault, late, status, header, r.service.ledger.read(0).Charges)
				}
			})
		}
	}
}

// TestSpanOfALatency carries what was injected, so that a trace tells it from real time.
func TestSpanOfALatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"latency":{"value":"1500ms"},"capacity":{"workers":1,"queue":1,"service_time":{"value":"2s"}}}`)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { r.get(context.WithoutCancel(t.Context())) })
		}
		all.Wait()
		synctest.Wait()
		var waits []string
		for _, id := range r.spans.Recent(2) {
			spans, _ := r.spans.Trace(id)
			if got := spans[0].Attributes["reliability.fault.delay"]; got != 1.5 {
				t.Errorf("delay %v", got)
			}
			waits = append(waits, fmt.Sprint(spans[0].Attributes["reliability.fault.queue_wait"]))
		}
		if diff := cmp.Diff([]string{"2", "<nil>"}, waits); diff != "" {
			t.Errorf("queue waits, latest first, -want +got:\n%s", diff)
		}
	})
}

// TestRetryAfter goes with what is injected and with overload, and with nothing else.
func TestRetryAfter(t *testing.T) {
	for document, want := range map[string]string{
		`{"retry_after":"2s","error_rate":1}`:                              "503 2",
		`{"retry_after":"2s","fail_first":{"count":1},"error_status":429}`: "429 2",
		`{"error_rate":1}`:     "503 ",
		`{"retry_after":"2s"}`: "200 ",
		`{"retry_after":"1h","capacity":{"workers":1,"queue":0,"service_time":{"value":"1m"}}}`: "503 3600",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, document)
			if strings.Contains(document, "capacity") {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go r.get(ctx)
				synctest.Wait()
			}
			status, _, header := r.do("GET", "http://flaky/work", "")
			if got := fmt.Sprint(status, " ", header.Get("Retry-After")); got != want {
				t.Errorf("%s: %s; want %s", document, got, want)
			}
			synctest.Wait()
			spans, _ := r.spans.Trace(r.spans.Recent(1)[0])
			if met := fmt.Sprint(spans[0].Attributes["reliability.faults"]); status == 503 && met != "[error]" && met != "[overload]" {
				t.Errorf("%s: met %s", document, met)
			}
		})
	}
}

// TestAClientThatLeavesWhileItSends has met no fault of ours, and made no mistake.
func TestAClientThatLeavesWhileItSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		conn, err := r.network.DialContext(t.Context(), "tcp", "flaky:80")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprint(conn, "POST /charges HTTP/1.1\r\nHost: flaky\r\nContent-Length: 30\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		synctest.Wait()
		if diff := cmp.Diff(map[outcome]uint64{outcomeAbandoned: 1}, r.service.read(time.Second).Outcomes); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestASlowUploadIsDecidedWhenItIsThere, by what is in force then.
func TestASlowUploadIsDecidedWhenItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"schedule":[{"for":"1s","error_rate":1}]}`)
		body, send := io.Pipe()
		go func() {
			time.Sleep(2 * time.Second)
			_, _ = io.WriteString(send, `{"order":"o","amount":1}`)
			_ = send.Close()
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://flaky/charges", body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Error(res.Status)
		}
	})
}

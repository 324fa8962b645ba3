package flaky

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/problem"
)

// TestDeadline: what a client is told that says how long it waits, when, and what /stats
// and the span say of it.
func TestDeadline(t *testing.T) {
	const passed = "the client waits no longer: X-Deadline-Ms has passed"
	for _, c := range []struct {
		document string
		sees     string
		outcome  outcome
		span     string
	}{
		{`{}`, "200 after 0s", outcomeOK, "<nil> "},
		{`{"latency":{"value":"249ms"}}`, "200 after 249ms", outcomeOK, "[latency] "},
		{`{"latency":{"value":"250ms"}}`, "504 after 250ms", outcomeDeadline, "[latency] " + passed}, // not both, and not either
		{`{"latency":{"value":"1m"}}`, "504 after 250ms", outcomeDeadline, "[latency] " + passed},
		{`{"latency":{"value":"100ms"},"error_rate":1}`, "503 after 100ms", outcomeError, "[latency error] error"},
		{`{"hang":{"rate":1}}`, "504 after 250ms", outcomeDeadline, "[hang] " + passed},
		{`{"hang":{"rate":1,"cap":"250ms"}}`, "504 after 250ms", outcomeDeadline, "[hang] " + passed},
		{`{"hang":{"rate":1,"cap":"200ms"}}`, "EOF after 200ms", outcomeHang, "[hang] injected fault: hang"},
		{`{"drip":{"rate":1,"over":"5s"}}`, "200 and unexpected EOF after 250ms", outcomeDeadline, "[drip] " + passed + "; injected fault: drip"},
		{`{"capacity":{"workers":1,"service_time":{"value":"1s"},"drop_abandoned":true}}`, "504 after 250ms", outcomeDeadline, "<nil> " + passed},
		{`{"capacity":{"workers":1,"service_time":{"value":"1s"}}}`, "504 after 1s", outcomeDeadline, "<nil> " + passed}, // nobody noticed
		{`{"capacity":{"workers":1,"service_time":{"value":"1s"}},"error_rate":1,"after_work":true}`, "504 after 1s", outcomeDeadline, "[error] " + passed},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, c.document)
			got, after := r.get(within(t, 10*time.Second), DeadlineHeader, "250")
			if got := fmt.Sprint(got, " after ", after); got != c.sees {
				t.Errorf("%s: the client sees %s; want %s", c.document, got, c.sees)
			}
			time.Sleep(20 * time.Second)
			if diff := cmp.Diff(map[outcome]uint64{c.outcome: 1}, r.service.read(time.Second).Outcomes); diff != "" {
				t.Errorf("%s: outcomes, -want +got:\n%s", c.document, diff)
			}
			spans, _ := r.spans.Trace(r.spans.Recent(1)[0])
			if got := fmt.Sprint(spans[0].Attributes["reliability.faults"], " ", spans[0].Error); got != c.span {
				t.Errorf("%s: span %q; want %q", c.document, got, c.span)
			}
		})
	}
}

// TestDeadlineInTheQueue frees the place of a request that nobody waits for, and no work is
// done for it; unless the server does not look.
func TestDeadlineInTheQueue(t *testing.T) {
	for drop, want := range map[bool]string{true: "504 after 250ms, 0 charges, queue 0", false: "504 after 4s, 1 charges, queue 1"} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, fmt.Sprintf(`{"capacity":{"workers":1,"queue":1,"service_time":{"value":"2s"},"drop_abandoned":%v}}`, drop))
			go r.get(within(t, time.Minute))
			synctest.Wait()
			begin := time.Now()
			done := make(chan string)
			go func() {
				req, err := http.NewRequestWithContext(within(t, time.Minute), http.MethodPost, "http://flaky/charges", strings.NewReader(`{"order":"o-1","amount":5}`))
				if err != nil {
					t.Error(err)
				}
				req.Header.Set(DeadlineHeader, "250")
				res, err := r.client.Do(req)
				if err != nil {
					t.Error(err)
					close(done)
					return
				}
				_ = res.Body.Close()
				done <- fmt.Sprint(res.StatusCode, " after ", time.Since(begin))
			}()
			time.Sleep(time.Second)
			queue := r.service.read(time.Second).Queue
			var got string
			select {
			case got = <-done:
			case <-time.After(time.Minute):
			}
			if got = fmt.Sprint(got, ", ", r.service.ledger.read(0).Charges, " charges, queue ", queue); got != want {
				t.Errorf("dropping %v: %s; want %s", drop, got, want)
			}
		})
	}
}

// TestDeadlineThatSomethingElseCameBefore is not what ended the request.
func TestDeadlineThatSomethingElseCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"capacity":{"workers":1,"service_time":{"value":"2s"}}}`)
		got, _ := r.get(within(t, 100*time.Millisecond), DeadlineHeader, "250")
		time.Sleep(10 * time.Second)
		if outcomes := r.service.read(time.Second).Outcomes; got != "timeout" || outcomes[outcomeAbandoned] != 1 {
			t.Errorf("%s, %v", got, outcomes)
		}
		r.faults("PUT", `{"latency":{"value":"1m"}}`)
		done := make(chan string)
		go func() {
			got, after := r.get(context.WithoutCancel(t.Context()), DeadlineHeader, "50000")
			done <- fmt.Sprint(got, " after ", after)
		}()
		time.Sleep(time.Second)
		ended := make(chan bool)
		go func() { r.end(); close(ended) }()
		if got := <-done; got != "503 after 1s" {
			t.Errorf("at the server's end: %s", got)
		}
		<-ended
	})
}

func TestDeadlinesThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		for value, want := range map[string]int{
			"1": 200, "3600000": 200, "0": 400, "3600001": 400, "-1": 400, "+1": 400, "1.5": 400, "250ms": 400, "": 400,
			"99999999999999999999": 400, strings.Repeat("9", 5000): 400,
		} {
			if got, _ := r.get(within(t, time.Minute), DeadlineHeader, value); got != fmt.Sprint(want) {
				t.Errorf("%.30q: %s; want %d", value, got, want)
			}
		}
		stats := r.service.read(time.Second)
		if diff := cmp.Diff(map[outcome]uint64{outcomeOK: 2, outcomeRefused: 9}, stats.Outcomes); diff != "" || stats.InFlight != 0 {
			t.Errorf("outcomes, -want +got:\n%s", diff)
		}
		for _, values := range [][]string{{"x"}, {"1", "2"}} {
			h := http.Header{DeadlineHeader: values}
			want := &problem.Field{Field: DeadlineHeader, Value: `"` + strings.Join(values, ", ") + `"`, Allowed: "a whole number of milliseconds from 1 to 3600000"}
			if _, got := patience(h); !cmp.Equal(want, got) {
				t.Errorf("%s: %v", values, got)
			}
		}
		if _, got := patience(http.Header{DeadlineHeader: {strings.Repeat("é", 5000)}}); len(got.String()) > 250 {
			t.Errorf("a problem of %d bytes", len(got.String()))
		}
	})
}

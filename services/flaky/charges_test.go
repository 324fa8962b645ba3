package flaky

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"reliability/internal/problem"
)

// post sends a charge and returns the status, 0 for none, and whether it was a replay.
func (r replica) post(key, body string) (int, string) {
	r.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), http.MethodPost, "http://flaky/charges", strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, ""
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode, res.Header.Get("Idempotent-Replayed")
}

func (r replica) charges() Charges {
	r.Helper()
	_, body, _ := r.do("GET", "http://flaky/charges", "")
	var c Charges
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		r.Fatalf("%v: %s", err, body)
	}
	return c
}

func TestCharges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		for _, c := range []struct {
			key, body string
			status    int
			replayed  string
		}{
			{"", `{"order":"a","amount":5}`, 201, ""},
			{"", `{"order":"a","amount":5}`, 201, ""}, // paid twice
			{"k", `{"order":"b","amount":7}`, 201, ""},
			{"k", `{"order":"b","amount":7}`, 201, "true"},
			{"k", `{ "amount": 7, "order": "b" }`, 201, "true"}, // the same charge in other words
			{"k", `{"order":"b","amount":8}`, 422, ""},
			{"k", `{"order":"c","amount":7}`, 422, ""},
			{"l", `{"order":"c","amount":0}`, 400, ""},
			{"l", `{"order":"c","amount":1}`, 201, ""}, // what was refused has not used the key
			{"", `{"order":"c","amount":1,"tip":1}`, 400, ""},
			{"", `{}`, 400, ""},
			{strings.Repeat("k", 256), `{"order":"c","amount":1}`, 400, ""},
		} {
			if status, replayed := r.post(c.key, c.body); status != c.status || replayed != c.replayed {
				t.Errorf("key %.10q %s: %d, replayed %q; want %d, %q", c.key, c.body, status, replayed, c.status, c.replayed)
			}
		}
		want := Charges{
			ServedBy: "flaky-7", Charges: 4, Amount: 18, Replayed: 2, Orders: 3, ChargedTwice: 1,
			Latest: []Charge{{ID: 4, Order: "c", Amount: 1, Key: "l"}, {ID: 3, Order: "b", Amount: 7, Key: "k"}, {ID: 2, Order: "a", Amount: 5}, {ID: 1, Order: "a", Amount: 5}},
		}
		if diff := cmp.Diff(want, r.charges(), cmpopts.IgnoreFields(Charge{}, "At")); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if _, body, _ := r.do("POST", "http://flaky/charges", `{"order":"","amount":1.5}`); !strings.Contains(body, "order") || !strings.Contains(body, "amount") {
			t.Errorf("not every problem is named: %s", body)
		}
		long := &http.Request{Header: http.Header{"Idempotency-Key": {strings.Repeat("k", 256)}}}
		tooLong := problem.Field{Field: "Idempotency-Key", Value: "256 bytes", Allowed: "at most 255 bytes"}
		var refused problem.Document
		if err := json.Unmarshal(r.service.charge(long, nil).body, &refused); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]problem.Field{tooLong}, refused.Errors); diff != "" || refused.Detail != tooLong.String() {
			t.Errorf("a key that is too long: %s; -want +got:\n%s", refused.Detail, diff)
		}
	})
}

// TestOneKeyOneCharge: a hundred requests with one key at the same time pay once, and all
// get the same answer.
func TestOneKeyOneCharge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"latency":{"distribution":"uniform","min":"0s","max":"10ms"}}`)
		var mu sync.Mutex
		replayed := map[string]int{}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				status, again := r.post("one", `{"order":"a","amount":5}`)
				mu.Lock()
				defer mu.Unlock()
				replayed[fmt.Sprint(status, again)]++
			})
		}
		all.Wait()
		if diff := cmp.Diff(map[string]int{"201": 1, "201true": 99}, replayed); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if c := r.charges(); c.Charges != 1 || c.Replayed != 99 || c.ChargedTwice != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestTheLedgerIsBounded(t *testing.T) {
	l := newLedger()
	record := func(i int) bool {
		c := Charge{Order: fmt.Sprint(i / 2), Amount: 1, Key: fmt.Sprint(i)}
		_, replayed, ok := l.record(c, func(Charge) answer { return answer{} })
		if !ok {
			t.Fatal("refused")
		}
		return replayed
	}
	const n = maxCharges + 1001
	for i := range n {
		record(i)
	}
	c := l.read(3)
	if c.Charges != n || c.Amount != n || c.Forgotten != 1001 || c.Orders != maxCharges/2+1 || c.ChargedTwice != maxCharges/2-1 || len(c.Latest) != 3 || c.Latest[0].ID != n {
		t.Errorf("%+v", c)
	}
	if len(l.byKey) != maxCharges || len(l.byOrder) != c.Orders {
		t.Errorf("%d keys and %d orders are kept", len(l.byKey), len(l.byOrder))
	}
	if !record(n-1) || record(0) {
		t.Error("not the oldest key was forgotten")
	}
}

// TestOnlyOneRoute: a fault that is limited to one route leaves the other alone, with all
// that it would have drawn or counted; the ledger can be read where no fault ever is.
func TestOnlyOneRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		for _, c := range []struct{ faults, work, charge string }{
			{`{"error_rate":1}`, "503", "503"},
			{`{"error_rate":1,"only":"work"}`, "503", "201"},
			{`{"error_rate":1,"only":"charges"}`, "200", "503"},
			{`{"fail_first":{"count":1},"only":"work"}`, "503", "201"},
			{`{"schedule":[{"for":"1m","error_rate":1,"only":"work"}]}`, "503", "201"},
		} {
			if status, _, _ := r.do("PUT", "http://flaky:90/faults", c.faults); status != http.StatusOK {
				t.Fatal(c.faults, status)
			}
			work, _, _ := r.do("GET", "http://flaky/work", "")
			charge, _ := r.post("", `{"order":"a","amount":5}`)
			if got := fmt.Sprint(work, " ", charge); got != c.work+" "+c.charge {
				t.Errorf("%s: work and charge are answered %s; want %s %s", c.faults, got, c.work, c.charge)
			}
		}
		_, public, _ := r.do("GET", "http://flaky/charges", "")
		_, admin, _ := r.do("GET", "http://flaky:90/charges", "")
		if diff := cmp.Diff(public, admin); diff != "" || !strings.Contains(admin, `"charges": 3`) {
			t.Errorf("the ledger at both listeners, -public +admin:\n%s\n%s", diff, admin)
		}
	})
}

package caller

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// ledger is a dependency that records a charge and then loses its first answers. Like
// flaky's it knows a charge again by its key.
type ledger struct {
	mu      sync.Mutex // protects what follows
	lose    int
	asked   int
	charges int
	keys    map[string]bool
	bodies  []string
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	l.bodies = append(l.bodies, r.Method+" "+r.URL.Path+" "+string(body))
	key := r.Header.Get("Idempotency-Key")
	if key == "" || !l.keys[key] {
		l.charges++
		l.keys[key] = true
	}
	if l.asked <= l.lose {
		panic(http.ErrAbortHandler) // recorded, and the answer is lost
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"charge":7}`)
}

// TestAnOrderIsPaidOnce, unless a naive policy asks for more.
func TestAnOrderIsPaidOnce(t *testing.T) {
	for _, c := range []struct {
		name, policy, key string
		said              string
		charges           int
		detail            string
	}{
		{"a key lets the second attempt find the first", `{}`, "order-1", "201 success [error ok]", 1, ""},
		{"without one there is no second attempt", `{}`, "", "502 failure [error]", 1, "POST without an Idempotency-Key may have been done"},
		{"retrying everything pays twice", `{"retry":{"on":"all"}}`, "", "201 success [error ok]", 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t)
				l := &ledger{lose: 1, keys: map[string]bool{}}
				w.serve("upstream.test:80", l.ServeHTTP)
				w.put("/api/policy", c.policy)
				a := w.order(`{"order":"A-1","amount":4200}`, c.key)
				if a.said() != c.said || l.charges != c.charges || !strings.Contains(a.Detail, c.detail) {
					t.Errorf("%s with %d charges: %s; want %s with %d", a.said(), l.charges, a.Detail, c.said, c.charges)
				}
				if a.status == http.StatusCreated && strings.Join(strings.Fields(string(a.Receipt)), "") != `{"charge":7}` {
					t.Errorf("receipt %s", a.Receipt)
				}
				for _, body := range l.bodies {
					if body != `POST /charges {"order":"A-1","amount":4200}` {
						t.Errorf("the ledger was sent %s", body)
					}
				}
				if failures := w.state().Engines["handrolled"].Breaker.Failures; a.Outcome == "failure" && failures != 1 {
					t.Errorf("a lost answer is %d failures of the dependency", failures)
				}
			})
		})
	}
}

// TestAnOrderThatWasNeverSentIsRetried: where there was no connection nothing can have
// been done.
func TestAnOrderThatWasNeverSentIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		if a := w.order(`{"order":"A-1","amount":1}`, ""); a.said() != "502 failure [error error]" || a.Attempts[0].Cause != "refused" {
			t.Errorf("%s %+v", a.said(), a.Attempts)
		}
	})
}

// TestAKeyThatIsUsedForSomethingElse is the client's mistake, and it is told so. What else the
// dependency says of an order is between it and caller.
func TestAKeyThatIsUsedForSomethingElse(t *testing.T) {
	for _, c := range []struct {
		key    string
		status int
		said   string
	}{
		{"k", http.StatusUnprocessableEntity, "422 failure [error]"},
		{"k", http.StatusConflict, "409 failure [error]"},
		{"k", http.StatusNotFound, "502 failure [error]"},
		{"", http.StatusUnprocessableEntity, "502 failure [error]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := run(t)
			w.serve("upstream.test:80", func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				rw.WriteHeader(c.status)
			})
			if a := w.order(`{"order":"A-1","amount":1}`, c.key); a.said() != c.said {
				t.Errorf("key %q, answered %d: %s; want %s", c.key, c.status, a.said(), c.said)
			}
		})
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		a := w.order(`{"order":"","amount":0,"tip":1}`, strings.Repeat("k", 256))
		var fields []string
		for _, f := range a.Errors {
			fields = append(fields, f.Field)
		}
		if got := strings.Join(fields, " "); a.status != http.StatusBadRequest || got != "Idempotency-Key amount order tip" {
			t.Errorf("%d: %s", a.status, got)
		}
		if a = w.order(`{"order":"A-1"}`, ""); a.status != http.StatusBadRequest || a.Errors[0].Field != "amount" {
			t.Errorf("%d: %v", a.status, a.Errors)
		}
	})
}

// paid is what a client learns of one order.
type paid struct {
	called
	Receipt json.RawMessage
}

func (w *world) order(body, key string) paid {
	w.Helper()
	var f orderFailure
	var headers []string
	if key != "" {
		headers = []string{"Idempotency-Key", key}
	}
	status := w.ask("POST", "/orders", body, &f, headers...)
	return paid{called{status, failure{f.Document, f.Answer}}, f.Receipt}
}

package world

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"reliability/services/caller"
)

// Engines, by which calls may go.
const (
	Handrolled = "handrolled"
	Gobreaker  = "gobreaker"
)

// Caller is the service that protects its calls, by its public API.
type Caller struct{ api }

// A Call says how one call is to be made.
type Call struct {
	ID       string // the call's identity, on which its faults and back-offs hang
	Engine   string // "": the hand-rolled one
	Order    string // policies, comma-separated; "": the policy's own; "none"
	Deadline time.Duration
	Payment  *Payment // an order to pay, instead of work to be done
}

// A Payment is one order.
type Payment struct {
	Order  string
	Amount int
	Key    string // Idempotency-Key; "": none
}

// A Done is a call that has ended.
type Done struct {
	Began      time.Time     // when its request was sent
	Latency    time.Duration // until the whole answer was there
	Status     int
	RetryAfter time.Duration // of the answer
	caller.Answer
	Err error // there was no answer, or one that is none of caller's
}

// OK reports whether the call succeeded.
func (d Done) OK() bool { return d.Err == nil && d.Outcome == "success" }

// Reached is how many of its attempts reached the dependency.
func (d Done) Reached() int {
	n := 0
	for _, a := range d.Attempts {
		if a.Result != "rejected" {
			n++
		}
	}
	return n
}

// Call makes a call.
func (c *Caller) Call(ctx context.Context, call Call) Done {
	req, err := c.request(ctx, call)
	if err != nil {
		return Done{Err: err}
	}
	d := Done{Began: time.Now()}
	status, answer, header, err := c.send(req)
	d.Latency, d.Status = time.Since(d.Began), status
	if err == nil {
		if err = json.Unmarshal(answer, &d.Answer); err == nil && d.Outcome == "" && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
			err = fmt.Errorf("%s answered %d: %s", req.URL, status, answer)
		}
	}
	if seconds, bad := strconv.Atoi(header.Get("Retry-After")); bad == nil {
		d.RetryAfter = time.Duration(seconds) * time.Second
	}
	d.Err = err
	return d
}

func (c *Caller) request(ctx context.Context, call Call) (*http.Request, error) {
	query := url.Values{}
	if call.Engine != "" {
		query.Set("engine", call.Engine)
	}
	if call.Order != "" {
		query.Set("order", call.Order)
	}
	method, path := http.MethodGet, "/call"
	var body []byte
	if p := call.Payment; p != nil {
		method, path = http.MethodPost, "/orders"
		var err error
		if body, err = json.Marshal(map[string]any{"order": p.Order, "amount": p.Amount}); err != nil {
			return nil, err
		}
	}
	target := c.url + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if call.ID != "" {
		req.Header.Set("X-Call-Id", call.ID)
	}
	if call.Deadline > 0 {
		req.Header.Set("X-Deadline-Ms", strconv.FormatInt(call.Deadline.Milliseconds(), 10))
	}
	if call.Payment != nil && call.Payment.Key != "" {
		req.Header.Set("Idempotency-Key", call.Payment.Key)
	}
	return req, nil
}

// Policy puts a policy in force, and says what it can cost.
func (c *Caller) Policy(ctx context.Context, doc Doc) (caller.Explanation, error) {
	var answer caller.PolicyAnswer
	err := c.ask(ctx, http.MethodPut, "/api/policy", doc, &answer)
	return answer.Explain, err
}

// Breaker puts an engine's breaker under manual control, open, close or observe, or back
// under its own, auto, which begins closed with nothing counted.
func (c *Caller) Breaker(ctx context.Context, engine, mode string) error {
	return c.ask(ctx, http.MethodPost, "/api/breakers/"+engine+"/"+mode, nil, nil)
}

// RenewBreaker closes an engine's breaker with nothing counted, also where it is under its
// own control already, which auto alone leaves as it is.
func (c *Caller) RenewBreaker(ctx context.Context, engine string) error {
	if err := c.Breaker(ctx, engine, "close"); err != nil {
		return err
	}
	return c.Breaker(ctx, engine, "auto")
}

// Faults puts a fault document in force at every replica that was born healthy.
func (c *Caller) Faults(ctx context.Context, doc Doc) error {
	return c.ask(ctx, http.MethodPut, "/api/faults", doc, nil)
}

// State is its condition.
func (c *Caller) State(ctx context.Context) (caller.State, error) {
	var s caller.State
	err := c.ask(ctx, http.MethodGet, "/api/state", nil, &s)
	return s, err
}

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Where deploy/kind.yaml maps the NodePorts.
const (
	callerURL = "http://127.0.0.1:8088"
	jaegerURL = "http://127.0.0.1:16686"
)

var engines = []string{"handrolled", "gobreaker"}

// answer is what GET /call says, whether it is a success or a problem document.
type answer struct {
	Outcome  string    `json:"outcome"`
	Elapsed  float64   `json:"elapsed_ms"`
	Engine   string    `json:"engine"`
	Attempts []attempt `json:"attempts"`
	Breaker  struct {
		State string `json:"state"`
	} `json:"breaker"`
	TraceID  string `json:"trace_id"`
	TraceURL string `json:"trace_url"`

	code   int // of the response
	header http.Header
	body   string
}

type attempt struct {
	Attempt  int    `json:"attempt"`
	Result   string `json:"result"`
	Status   int    `json:"status"`
	Phase    string `json:"phase"`
	Cause    string `json:"cause"`
	ServedBy string `json:"served_by"`
}

// call makes one protected call. It fails the test only if caller gave no well-formed answer.
func call(t *testing.T, engine string) answer {
	t.Helper()
	return callWith(t, "engine="+engine)
}

// callWith makes one call with the parameters in query.
func callWith(t *testing.T, query string) answer {
	t.Helper()
	res, body, err := request(t, http.MethodGet, callerURL+"/call?"+query, "")
	if err != nil {
		t.Fatalf("caller does not answer: %v", err)
	}
	a := answer{code: res.StatusCode, header: res.Header, body: body}
	want := "application/json"
	if res.StatusCode >= 400 {
		want = "application/problem+json"
	}
	if got, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); got != want {
		t.Errorf("GET /call answered %d as %q, want %q: %s", res.StatusCode, got, want, body)
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("GET /call answered %d with something else than JSON: %v: %s", res.StatusCode, err, body)
	}
	return a
}

// inject sets a fault document on every healthy flaky replica and takes it away when the test ends.
func inject(t *testing.T, faults string) {
	t.Helper()
	t.Cleanup(func() { heal(t) })
	res, body, err := request(t, http.MethodPut, callerURL+"/api/faults", faults)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("PUT /api/faults %s: %s: %s", faults, res.Status, body)
	}
	for _, pod := range pods(t, "app.kubernetes.io/name=flaky") {
		if !strings.Contains(body, pod.Metadata.Name) {
			t.Errorf("PUT /api/faults does not list replica %s: %s", pod.Metadata.Name, body)
		}
	}
}

// heal takes every injected fault away and waits until both engines' calls succeed with a closed breaker.
func heal(t *testing.T) {
	t.Helper()
	res, body, err := request(t, http.MethodDelete, callerURL+"/api/faults", "")
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= 300 {
		t.Fatalf("DELETE /api/faults: %s: %s", res.Status, body)
	}
	for _, engine := range engines {
		eventually(t, time.Minute, engine+" calls succeed again", func() error {
			if a := call(t, engine); a.code != http.StatusOK || a.Breaker.State != "closed" {
				return fmt.Errorf("GET /call answered %d: %s", a.code, a.body)
			}
			return nil
		})
	}
}

// request sends one request and reads the whole answer.
func request(t *testing.T, method, url, body string) (*http.Response, string, error) {
	// Also in a cleanup, when the test's context is over already. The client's timeout bounds it.
	ctx := context.WithoutCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: 15 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %s: %w", method, url, res.Status, err)
	}
	return res, string(got), nil
}

// eventually polls until check succeeds; after limit the test fails with the last reason why it did not.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

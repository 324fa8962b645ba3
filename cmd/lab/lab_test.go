package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
	"reliability/services/caller"
)

// running is a running lab, and a client of it.
type running struct {
	*testing.T
	client *http.Client
	logs   *logs
	end    func() // ends it, once; the test's end does so too
}

// simulated starts the lab on a network in memory, inside the test's bubble, with the
// environment given.
func simulated(t *testing.T, environ ...string) *running {
	t.Helper()
	var network memnet.Network
	w := &running{T: t, logs: &logs{}, client: &http.Client{
		Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true},
	}}
	l, err := start(t.Context(), options{
		addr: "10.0.0.1:80", callerAdminAddr: "10.0.0.1:90", flakyAddr: "10.0.0.2:80", flakyAdminAddr: "10.0.0.2:90",
		environ: environ, logs: w.logs, listen: network.Listen,
		network: caller.Network{
			DialContext: network.DialContext,
			LookupHost:  func(_ context.Context, host string) ([]string, error) { return []string{host}, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	w.end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the lab ended with %v", err)
		}
	})
	t.Cleanup(w.end)
	return w
}

// do sends one request to caller and decodes its answer.
func (w *running) do(method, path, body string, into any) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(w.Context()), method, "http://10.0.0.1:80"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		w.Fatalf("%s %s: %s %s: %v", method, path, res.Status, answer, err)
	}
	return res
}

// called is what a client learns of one call.
type called struct {
	status     int
	retryAfter string
	caller.Answer
}

func (w *running) call(engine string) called {
	w.Helper()
	var a called
	res := w.do("GET", "/call?engine="+engine, "", &a.Answer)
	a.status, a.retryAfter = res.StatusCode, res.Header.Get("Retry-After")
	return a
}

// said sums up a call: status, outcome, the result of each attempt, the breaker's state.
func (a called) said() string {
	var results []string
	for _, attempt := range a.Attempts {
		results = append(results, attempt.Result)
	}
	return strings.TrimSpace(fmt.Sprint(a.status, " ", a.Outcome, " [", strings.Join(results, " "), "] ", a.Breaker.State))
}

func (w *running) faults(document string) {
	w.Helper()
	var answer caller.FaultsAnswer
	if res := w.do("PUT", "/api/faults", document, &answer); res.StatusCode != http.StatusOK || len(answer.Replicas) != 1 {
		w.Fatalf("PUT /api/faults: %s %+v", res.Status, answer)
	}
}

func (w *running) trace(id string) []telemetry.Span {
	w.Helper()
	synctest.Wait() // a server's span ends a moment after its client has the answer
	var answer caller.TraceAnswer
	if res := w.do("GET", "/api/traces/"+id, "", &answer); res.StatusCode != http.StatusOK {
		w.Fatalf("trace %s: %s", id, res.Status)
	}
	return answer.Spans
}

// logs is a writer that remembers JSON lines.
type logs struct {
	mu    sync.Mutex // protects lines
	lines []map[string]any
}

func (l *logs) Write(line []byte) (int, error) {
	var fields map[string]any
	if err := json.NewDecoder(bytes.NewReader(line)).Decode(&fields); err != nil {
		return 0, fmt.Errorf("a log line that is no JSON: %q: %w", line, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fields)
	return len(line), nil
}

// about returns the lines whose message begins so.
func (l *logs) about(message string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, line := range l.lines {
		if strings.HasPrefix(fmt.Sprint(line["msg"]), message) {
			found = append(found, line)
		}
	}
	return found
}

func TestTheLabIsUpInTime(t *testing.T) {
	begin := time.Now()
	o := options{addr: "127.0.0.1:0", flakyAddr: "127.0.0.1:0", callerAdminAddr: "127.0.0.1:0", flakyAdminAddr: "127.0.0.1:0", logs: io.Discard}
	l, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("both services listen after %v", time.Since(begin))
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- l.run(ctx) }()
	var greeting strings.Builder
	l.greet(&greeting)
	page := url(l.caller.Addr())
	if !strings.Contains(greeting.String(), "curl -s "+page+"/call\n") || strings.Contains(greeting.String(), ":0/") {
		t.Errorf("greeting does not have the real address %s:\n%s", page, &greeting)
	}
	for _, address := range []string{page + "/", page + "/call", page + "/api/faults", url(l.caller.AdminAddr()) + "/metrics", url(l.flaky.Addr()) + "/work", url(l.flaky.AdminAddr()) + "/readyz"} {
		res, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", address, res.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestATakenPortNamesItsFlag(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for flag, set := range map[string]func(*options, string){
		"addr":              func(o *options, a string) { o.addr = a },
		"flaky-addr":        func(o *options, a string) { o.flakyAddr = a },
		"caller-admin-addr": func(o *options, a string) { o.callerAdminAddr = a },
		"flaky-admin-addr":  func(o *options, a string) { o.flakyAdminAddr = a },
	} {
		o := options{addr: "127.0.0.1:0", flakyAddr: "127.0.0.1:0", callerAdminAddr: "127.0.0.1:0", flakyAdminAddr: "127.0.0.1:0", logs: io.Discard}
		set(&o, taken.Addr().String())
		_, err := start(t.Context(), o)
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasSuffix(err.Error(), "; choose another address with --"+flag) ||
			!strings.Contains(err.Error(), taken.Addr().String()) {
			t.Errorf("--%s taken: %v; want one line that names the flag", flag, err)
		}
	}
}

func TestBadConfigurationIsListedWhole(t *testing.T) {
	_, err := start(t.Context(), options{environ: []string{`CALLER_POLICY={"timeout":{"limit":"never"},"retry":{"jitter":"some"}}`, `FLAKY_FAULTS={"error_rate":2}`, "CALLER_RETRY_JITTER=some"}})
	for _, want := range []string{
		`CALLER_POLICY: timeout.limit is never: must be a duration such as "50ms", from 1ms to 1h0m0s`,
		"FLAKY_FAULTS: error_rate is 2: must be a number from 0 to 1",
		`CALLER_POLICY: retry.jitter is some: must be "full", "none", "equal" or "decorrelated"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want %s", err, want)
		}
	}
}

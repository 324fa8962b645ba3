package caller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
)

// world is a running caller whose upstream is what the test says, and a client of it.
type world struct {
	*testing.T
	network memnet.Network
	client  *http.Client
	logs    logs
	tel     *telemetry.Telemetry
	service *Service              // the one started last
	hosts   map[string][]string   // what names stand for; others are addresses
	dialing func(context.Context) // before each dial of caller's; nil: nothing
	end     func()                // ends caller, once; the test's end does so too
}

// run starts caller inside the test's bubble and ends it with the test. Back-offs have no
// jitter, so that every time is known.
func run(t *testing.T, environ ...string) *world {
	t.Helper()
	w := &world{T: t}
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.network.DialContext, DisableKeepAlives: true}}
	cfg, err := LoadConfig(append([]string{
		"CALLER_ADDR=caller.test:80", "CALLER_ADMIN_ADDR=caller.test:90", "CALLER_NAME=caller-1", "CALLER_UPSTREAM_URL=http://upstream.test/work",
		`CALLER_POLICY={"retry":{"max_attempts":2,"base":"100ms","jitter":"none"}}`, "CALLER_DRAIN=0s",
	}, environ...))
	if err != nil {
		t.Fatal(err)
	}
	w.tel, err = telemetry.New(t.Context(), telemetry.Config{Service: "caller", Store: telemetry.NewStore(), LogOutput: &w.logs, LogLevel: cfg.LogLevel})
	if err != nil {
		t.Fatal(err)
	}
	w.end = w.start(cfg, w.tel)
	return w
}

// start starts a caller.
func (w *world) start(cfg Config, tel *telemetry.Telemetry) (end func()) {
	w.Helper()
	service, err := New(cfg, tel, Network{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if w.dialing != nil {
				w.dialing(ctx)
			}
			return w.network.DialContext(ctx, network, addr)
		},
		LookupHost: func(_ context.Context, host string) ([]string, error) {
			if addresses := w.hosts[host]; addresses != nil {
				return addresses, nil
			}
			return []string{host}, nil
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.service = service
	server, err := service.Listen(w.network.Listen)
	if err != nil {
		w.Fatal(err)
	}
	return w.until(server.Run)
}

// until runs something until the test ends, or what it returns is called.
func (w *world) until(run func(context.Context) error) (end func()) {
	ctx, stop := context.WithCancel(context.WithoutCancel(w.Context()))
	ended := make(chan error)
	go func() { ended <- run(ctx) }()
	end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			w.Errorf("ended with %v", err)
		}
	})
	w.Cleanup(end)
	return end
}

// serve puts a handler at an address.
func (w *world) serve(addr string, h http.HandlerFunc) {
	w.Helper()
	l, err := w.network.Listen(addr)
	if err != nil {
		w.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	w.until(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = server.Close() })
		_ = server.Serve(l)
		return nil
	})
}

func (w *world) do(req *http.Request) (*http.Response, string) {
	w.Helper()
	res, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, string(body)
}

func (w *world) request(method, path, body string) *http.Request {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, "http://caller.test"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	return req
}

// ask sends one request to caller, decodes its answer and returns its status.
func (w *world) ask(method, path, body string, into any, headers ...string) int {
	w.Helper()
	req := w.request(method, path, body)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, answer := w.do(req)
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		w.Fatalf("%s %s: %s %s: %v", method, path, res.Status, answer, err)
	}
	return res.StatusCode
}

// call makes one protected call.
func (w *world) call(query string, headers ...string) called {
	w.Helper()
	var c called
	c.status = w.ask("GET", "/call"+query, "", &c.failure, headers...)
	return c
}

// called is what a client learns of one call.
type called struct {
	status int
	failure
}

// said sums up a call: status, outcome, and the result of each attempt.
func (c called) said() string {
	var results []string
	for _, a := range c.Attempts {
		results = append(results, a.Result)
	}
	return fmt.Sprint(c.status, " ", c.Outcome, " ", results)
}

func (w *world) state() State {
	w.Helper()
	var s State
	if status := w.ask("GET", "/api/state", "", &s); status != http.StatusOK {
		w.Fatalf("GET /api/state: %d", status)
	}
	return s
}

// put changes something, which must be accepted.
func (w *world) put(path, document string) {
	w.Helper()
	var answer map[string]any
	if status := w.ask("PUT", path, document, &answer); status != http.StatusOK {
		w.Fatalf("PUT %s %s: %d %v", path, document, status, answer)
	}
}

// logs is a writer that remembers JSON lines.
type logs struct {
	mu    sync.Mutex // protects lines
	lines []map[string]any
}

func (l *logs) Write(line []byte) (int, error) {
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		return 0, fmt.Errorf("a log line that is no JSON: %q: %w", line, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fields)
	return len(line), nil
}

// about returns the lines of a trace that have this message.
func (l *logs) about(message, trace string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, line := range l.lines {
		if line["msg"] == message && line["trace_id"] == trace {
			found = append(found, line)
		}
	}
	return found
}

func decode(t *testing.T, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}

// Package proctest runs a main package as a process of its own, from its tests, and takes
// in the spans that it exports: what only a real signal to a real process can show.
package proctest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// RunMain is the variable that makes a test binary run main instead of its tests. The
// package under test needs
//
//	func TestMain(m *testing.M) {
//		if os.Getenv(proctest.RunMain) != "" {
//			main()
//			return
//		}
//		os.Exit(m.Run())
//	}
const RunMain = "RELIABILITY_RUN_MAIN"

// A Process is a running service.
type Process struct {
	Addr, AdminAddr string // from its log

	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{} // closed when its output has ended
}

// Start runs main with the variables given and waits until it says that it listens.
func Start(t *testing.T, environ ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: command(t, environ), ended: make(chan struct{})}
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	listening := make(chan bool, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var line struct {
				Msg       string `json:"msg"`
				Addr      string `json:"addr"`
				AdminAddr string `json:"admin_addr"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
				p.Addr, p.AdminAddr = line.Addr, line.AdminAddr
				listening <- true
			}
		}
		listening <- false
	}()
	if !<-listening {
		t.Fatalf("the process ended without listening: %v, %s", p.cmd.Wait(), &p.stderr)
	}
	return p
}

// Fail runs main with the variables given, expects that it ends by itself, and returns
// its exit code and what it wrote to standard error.
func Fail(t *testing.T, environ ...string) (int, string) {
	t.Helper()
	cmd := command(t, environ)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run() // the exit code says it
	return cmd.ProcessState.ExitCode(), stderr.String()
}

func command(t *testing.T, environ []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append([]string{RunMain + "=1"}, environ...)
	return cmd
}

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Wait waits for the end and returns the exit code, −1 after a signal, and what the
// process wrote to standard error.
func (p *Process) Wait() (int, string) {
	<-p.ended
	_ = p.cmd.Wait() // the exit code says it
	return p.cmd.ProcessState.ExitCode(), p.stderr.String()
}

// A Collector takes in spans as an OpenTelemetry collector does, over HTTP.
type Collector struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	mu    sync.Mutex // protects spans
	spans map[string]int
}

// NewCollector starts one that ends with the test.
func NewCollector(t *testing.T) *Collector {
	t.Helper()
	c := &Collector{spans: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var batch collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &batch)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: not a batch of spans: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range batch.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					c.spans[span.GetName()]++
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Spans returns how many spans of a name have come in.
func (c *Collector) Spans(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans[name]
}

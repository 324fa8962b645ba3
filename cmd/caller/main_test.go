package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"reliability/internal/proctest"
)

func TestMain(m *testing.M) {
	if os.Getenv(proctest.RunMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSIGTERMUnderLoad: no accepted call is lost, before the drain or during it, and its
// spans reach the collector.
func TestSIGTERMUnderLoad(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send")
	}
	const batch = 50
	arrived, gate := make(chan bool, 2*batch), make(chan bool)
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- true
		<-gate
	}))
	defer upstream.Close()
	spans := proctest.NewCollector(t)
	p := proctest.Start(t, "CALLER_ADDR=127.0.0.1:0", "CALLER_ADMIN_ADDR=127.0.0.1:0", "CALLER_UPSTREAM_URL="+upstream.URL,
		`CALLER_POLICY={"timeout":{"limit":"1m"}}`, "CALLER_GRACE=1m", "CALLER_DRAIN=2s", "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL)

	answers := make(chan string, 2*batch)
	var calls sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	send := func() {
		for range batch {
			calls.Go(func() { answers <- get(client, "http://"+p.Addr+"/call") })
		}
		for range batch {
			<-arrived // under way, as far as it goes
		}
	}
	send()
	p.Signal(syscall.SIGTERM)
	for get(client, "http://"+p.AdminAddr+"/readyz") != "503" {
	}
	if got := get(client, "http://"+p.AdminAddr+"/livez"); got != "200" {
		t.Errorf("/livez while draining: %s", got)
	}
	send() // before those who route have noticed
	for {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	close(gate) // nothing more is accepted; all that was is still under way
	calls.Wait()
	close(answers)
	for answer := range answers {
		if answer != "200" {
			t.Errorf("an accepted call was answered: %s", answer)
		}
	}
	if code, stderr := p.Wait(); code != 0 || stderr != "" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for _, name := range []string{"GET /call", "call", "GET /"} {
		if got := spans.Spans(name); got != 2*batch {
			t.Errorf("%d spans %q reached the collector; want %d", got, name, 2*batch)
		}
	}
}

// get returns the status of the answer, or why there was none.
func get(client *http.Client, url string) string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	res, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	_ = res.Body.Close()
	return fmt.Sprint(res.StatusCode)
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send")
	}
	p := proctest.Start(t, "CALLER_ADDR=127.0.0.1:0", "CALLER_ADMIN_ADDR=127.0.0.1:0", "CALLER_DRAIN=1m")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	p.Signal(syscall.SIGTERM)
	for get(client, "http://"+p.AdminAddr+"/readyz") != "503" {
	}
	p.Signal(syscall.SIGTERM)
	if code, _ := p.Wait(); code != -1 {
		t.Errorf("exit code %d; want death by the signal", code)
	}
}

func TestWhatCannotRun(t *testing.T) {
	code, stderr := proctest.Fail(t, `CALLER_POLICY={"timeout":{"limit":"never"},"retry":{"max_attempts":0}}`, "CALLER_PORT=tcp://10.0.0.1:80")
	want := `caller: could not run:
CALLER_POLICY: retry.max_attempts is 0: must be a whole number from 1 to 100
CALLER_POLICY: timeout.limit is never: must be a duration such as "50ms", from 1ms to 1h0m0s
CALLER_PORT is "tcp://10.0.0.1:80": must be absent: there is no such variable
`
	if code != 2 || stderr != want {
		t.Errorf("exit code %d and\n%s\nwant 2 and\n%s", code, stderr, want)
	}
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	code, stderr = proctest.Fail(t, "CALLER_ADDR="+taken.Addr().String(), "CALLER_ADMIN_ADDR=127.0.0.1:0")
	if code != 2 || !strings.Contains(stderr, "cannot listen at "+taken.Addr().String()) {
		t.Errorf("exit code %d and %s", code, stderr)
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
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

func TestSIGTERMUnderLoad(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send")
	}
	const requests = 50
	spans := proctest.NewCollector(t)
	p := proctest.Start(t, "FLAKY_ADDR=127.0.0.1:0", "FLAKY_ADMIN_ADDR=127.0.0.1:0", "FLAKY_DRAIN=1s",
		`FLAKY_FAULTS={"latency":{"value":"1s"}}`, "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answers, sent := make(chan string, requests), make(chan bool, requests)
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
				WroteRequest: func(httptrace.WroteRequestInfo) { sent <- true },
			})
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+"/work", nil)
			if err != nil {
				answers <- err.Error()
				return
			}
			res, err := client.Do(req)
			if err != nil {
				answers <- err.Error()
				return
			}
			_ = res.Body.Close()
			answers <- fmt.Sprint(res.StatusCode)
		})
	}
	for range requests {
		<-sent
	}
	p.Signal(syscall.SIGTERM)
	all.Wait()
	close(answers)
	for answer := range answers {
		if answer != "200" {
			t.Errorf("an accepted request was answered: %s", answer)
		}
	}
	if code, stderr := p.Wait(); code != 0 || stderr != "" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if got := spans.Spans("GET /work"); got != requests {
		t.Errorf("%d spans reached the collector; want %d", got, requests)
	}
}

func TestWhatCannotRun(t *testing.T) {
	code, stderr := proctest.Fail(t, "FLAKY_DRAIN=soon", `FLAKY_FAULTS={"error_rate":2}`, "FLAKY_PORT=tcp://10.0.0.1:80")
	want := `flaky: could not run:
FLAKY_FAULTS: error_rate is 2: must be a number from 0 to 1
FLAKY_DRAIN is "soon": must be a duration from 0s to 1m
FLAKY_PORT is "tcp://10.0.0.1:80": must be absent: there is no such variable
`
	if code != 2 || stderr != want {
		t.Errorf("exit code %d and\n%s\nwant 2 and\n%s", code, stderr, want)
	}
}

// TestCrash: by the API, with the answer that says so, and the exit code asked for.
func TestCrash(t *testing.T) {
	p := proctest.Start(t, "FLAKY_ADDR=127.0.0.1:0", "FLAKY_ADMIN_ADDR=127.0.0.1:0")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+p.AdminAddr+"/faults", strings.NewReader(`{"crash":{"exit_code":42}}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if code, stderr := p.Wait(); res.StatusCode != 200 || code != 42 || stderr != "" {
		t.Errorf("answered %s, exit code %d, %s", res.Status, code, stderr)
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	code, stderr := proctest.Fail(t, "FLAKY_FAULTS_FILE=no/such.json")
	want := "flaky: could not run:\nFLAKY_FAULTS_FILE is \"no/such.json\": must be a file that can be read: open no/such.json: no such file or directory\n"
	if code != 2 || stderr != want {
		t.Errorf("exit code %d and\n%s\nwant 2 and\n%s", code, stderr, want)
	}
}

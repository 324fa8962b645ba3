package flaky

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
)

// replica is a running flaky on a network in memory, and a client of it.
type replica struct {
	*testing.T
	client *http.Client
	end    func() // ends it, once; the test's end does so too
}

// run starts one inside the test's bubble, and ends it with the test.
func run(t *testing.T, boot Faults) replica {
	t.Helper()
	var network memnet.Network
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "flaky", Store: telemetry.NewStore(), LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(Config{Addr: "flaky:80", AdminAddr: "flaky:90", Name: "flaky-7", Faults: boot, Grace: time.Second}, tel).Listen(network.Listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	end := sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(end)
	return replica{t, &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}, end}
}

// do returns the answer's status, body and headers.
func (r replica) do(method, url, body string) (int, string, http.Header) {
	r.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), method, url, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	if by := res.Header.Get(ServedBy); by != "flaky-7" && !strings.HasSuffix(url, "z") {
		r.Errorf("%s %s: served by %q", method, url, by)
	}
	return res.StatusCode, string(got), res.Header
}

func (r replica) faults(method, body string) Status {
	r.Helper()
	code, answer, _ := r.do(method, "http://flaky:90/faults", body)
	var s Status
	if err := json.Unmarshal([]byte(answer), &s); code != http.StatusOK || err != nil {
		r.Fatalf("%s /faults: %d %s", method, code, answer)
	}
	return s
}

func TestWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Faults{})
		code, body, header := r.do("GET", "http://flaky/work", "")
		if code != 200 || !strings.Contains(body, `"served_by": "flaky-7"`) || header.Get("Content-Type") != "application/json" {
			t.Errorf("healthy: %d %s", code, body)
		}
		r.faults("PUT", `{"error_rate":1,"error_status":500,"latency":{"value":"2s"}}`)
		begin := time.Now()
		code, body, header = r.do("GET", "http://flaky/work", "")
		if code != 500 || !strings.Contains(body, "injected fault") || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("failing: %d %s", code, body)
		}
		if got := time.Since(begin); got != 2*time.Second {
			t.Errorf("a latency of 2s took %v", got)
		}
	})
}

func TestProbesAndAdminAreNeverFaulted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Faults{ErrorRate: 1, ErrorStatus: 503, Latency: &Latency{Distribution: "fixed", Value: Duration(time.Minute)}})
		begin := time.Now()
		for _, path := range []string{"/livez", "/readyz", "/metrics", "/faults"} {
			if code, body, _ := r.do("GET", "http://flaky:90"+path, ""); code != 200 && path != "/metrics" {
				t.Errorf("GET %s: %d %s", path, code, body)
			}
		}
		if got := time.Since(begin); got != 0 {
			t.Errorf("they took %v", got)
		}
	})
}

func TestFaultsAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boot := Faults{ErrorRate: 0.25, ErrorStatus: 503, Seed: 5}
		r := run(t, boot)
		born := time.Now()
		if s := r.faults("GET", ""); s.Faults != boot || s.Source != "boot" || !s.Since.Equal(born) || s.BootHealthy || s.ServedBy != "flaky-7" {
			t.Errorf("at the start: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := r.faults("PUT", `{"error_rate":1}`); s.Faults.ErrorRate != 1 || s.Faults.Seed == 0 || s.Source != "api" || !s.Since.Equal(born.Add(time.Minute)) || s.Boot != boot {
			t.Errorf("after PUT: %+v", s)
		}
		before := r.faults("GET", "")
		for body, want := range map[string]int{
			`{"error_rate":7,"nonsense":1}`: 400,
			`nonsense`:                      400,
			// One byte too many, and no more: a client that is cut off while it sends may miss the answer.
			`{"error_rate":` + strings.Repeat(" ", maxDocument+1-14): 413,
		} {
			code, answer, header := r.do("PUT", "http://flaky:90/faults", body)
			if code != want || header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("PUT %.40s: %d %s", body, code, answer)
			}
			if s := r.faults("GET", ""); s != before {
				t.Errorf("a refused document changed something: %+v", s)
			}
		}
		if s := r.faults("DELETE", ""); s.Faults != boot || s.Source != "boot" {
			t.Errorf("after DELETE: %+v", s)
		}
		if code, answer, _ := r.do("POST", "http://flaky:90/faults", "{}"); code != 405 {
			t.Errorf("POST: %d %s", code, answer)
		}
		if code, answer, _ := r.do("GET", "http://flaky/nowhere", ""); code != 404 || !strings.Contains(answer, "nothing at /nowhere") {
			t.Errorf("nowhere: %d %s", code, answer)
		}
	})
}

func TestADelayEndsWithItsClientAndItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Faults{Latency: &Latency{Distribution: "fixed", Value: Duration(5 * time.Minute)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://flaky/work", nil)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if res, err := r.client.Do(req); err == nil {
			_ = res.Body.Close()
			t.Errorf("answered %s", res.Status)
		}
		if got := time.Since(begin); got != time.Second {
			t.Errorf("ended after %v", got)
		}
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			code, body, _ := r.do("GET", "http://flaky/work", "")
			if code != 503 || !strings.Contains(body, "shutting down") || time.Since(begin) != 2*time.Second {
				t.Errorf("a delay when the server ended: %d %s after %v", code, body, time.Since(begin))
			}
		}()
		synctest.Wait()
		r.end() // its grace is a second
		<-answered
	})
}

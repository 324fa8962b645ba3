package flaky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
)

// replica is a running flaky on a network in memory, and a client of it.
type replica struct {
	*testing.T
	client  *http.Client
	network *memnet.Network
	service *Service
	spans   *telemetry.Store
	end     func() // ends it, once; the test's end does so too
}

// run starts one inside the test's bubble, and ends it with the test.
func run(t *testing.T, boot string, configure ...func(*Config)) replica {
	t.Helper()
	network := new(memnet.Network)
	store := telemetry.NewStore()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "flaky", Store: store, LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Addr: "flaky:80", AdminAddr: "flaky:90", Name: "flaky-7", Faults: parse(t, boot), Grace: time.Second}
	for _, f := range configure {
		f(&cfg)
	}
	service, err := New(cfg, tel)
	if err != nil {
		t.Fatal(err)
	}
	server, err := service.Listen(network.Listen)
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
	client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
	return replica{t, client, network, service, store, end}
}

// get asks for /work and returns the status, or the error, and how long that took.
func (r replica) get(ctx context.Context, header ...string) (string, time.Duration) {
	begin := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://flaky/work", nil)
	if err != nil {
		return err.Error(), 0
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return failure(err), time.Since(begin)
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if err != nil {
		return fmt.Sprint(res.StatusCode, " and ", failure(err)), time.Since(begin)
	}
	return fmt.Sprint(res.StatusCode), time.Since(begin)
}

// failure names what a client can see of a connection.
func failure(err error) string {
	for what, is := range map[string]error{
		"reset": syscall.ECONNRESET, "refused": syscall.ECONNREFUSED, "unexpected EOF": io.ErrUnexpectedEOF, "timeout": context.DeadlineExceeded,
	} {
		if errors.Is(err, is) {
			return what
		}
	}
	if errors.Is(err, io.EOF) {
		return "EOF"
	}
	return err.Error()
}

// within is a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), d)
	t.Cleanup(cancel)
	return ctx
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
	if by := res.Header.Get(ServedBy); by != "flaky-7" {
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

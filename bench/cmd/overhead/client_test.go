package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestExchange(t *testing.T) {
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		switch r.URL.Path {
		case "/failing":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/chunked":
			_ = http.NewResponseController(w).Flush()
		default:
			_, _ = io.Copy(w, r.Body)
		}
	}))
	defer server.Close()
	do := func(method, path, body string) (string, error) {
		c, err := dial(t.Context(), server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		if _, err := c.exchange(request("PUT", "/echo", "longer than what follows")); err != nil {
			t.Fatal(err)
		}
		got, err := c.exchange(request(method, path, body))
		return string(got), err
	}
	if got, err := do("PUT", "/echo", "twice"); err != nil || got != "twice" {
		t.Errorf("echo: %q, %v", got, err)
	}
	if got, err := do("GET", "/echo", ""); err != nil || got != "" {
		t.Errorf("echo of nothing: %q, %v", got, err)
	}
	for path, want := range map[string]string{"/failing": "503 Service Unavailable", "/chunked": "does not say its length"} {
		if _, err := do("GET", path, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}

	var clients []*client
	for range 3 {
		c, err := dial(t.Context(), server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		clients = append(clients, c)
	}
	served.Store(0)
	begin := time.Now()
	rate, err := load(t.Context(), clients, request("GET", "/", ""), 20*time.Millisecond)
	// All answers, in a time from the slice's to what passed around it.
	n := float64(served.Load())
	if least, most := n/time.Since(begin).Seconds(), n/0.02; err != nil || n < 3 || rate < least || rate > most {
		t.Errorf("%v answers: %v a second, want %v to %v; %v", n, rate, least, most, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load(ctx, clients, request("GET", "/", ""), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := load(t.Context(), clients, request("GET", "/failing", ""), time.Hour); err == nil {
		t.Error("failures were counted")
	}
}

// TestTheServerEndsWithItsInput: it does not outlive its parent, however that ends.
func TestTheServerEndsWithItsInput(t *testing.T) {
	var out bytes.Buffer
	if err := beServer(t.Context(), strings.NewReader("stats\nstats\n"), &out); err != nil || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("%v, with %q", err, &out)
	}
}

// TestTheServerDies: that is an error, not a wait.
func TestTheServerDies(t *testing.T) {
	c, err := startChild(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if s, err := c.until(t.Context(), func(stats) bool { return false }); err == nil {
		t.Errorf("it answered %+v", s)
	}
	if err := c.end(); err == nil {
		t.Error("its end was orderly")
	}
}

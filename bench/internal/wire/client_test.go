package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
			http.Error(w, "not today", http.StatusServiceUnavailable)
		case "/chunked":
			_, _ = io.WriteString(w, "in several ")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "chunks")
		case "/endless":
			_, rw, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = rw.WriteString("HTTP/1.1 200 OK\r\n\r\nuntil it closes")
				_ = rw.Flush()
			}
		default:
			_, _ = io.Copy(w, r.Body)
		}
	}))
	defer server.Close()
	do := func(method, path, body string) (string, error) {
		c, err := Dial(t.Context(), server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Exchange(Request("PUT", "/echo", "longer than what follows")); err != nil {
			t.Fatal(err)
		}
		got, err := c.Exchange(Request(method, path, body))
		text := string(got)
		if err == nil {
			if _, err := c.Exchange(Request("GET", "/echo", "")); err != nil {
				t.Errorf("after %s: %v", path, err) // something of the answer was left unread
			}
		}
		return text, err
	}
	if got, err := do("PUT", "/echo", "twice"); err != nil || got != "twice" {
		t.Errorf("echo: %q, %v", got, err)
	}
	if got, err := do("GET", "/echo", ""); err != nil || got != "" {
		t.Errorf("echo of nothing: %q, %v", got, err)
	}
	if got, err := do("GET", "/chunked", ""); err != nil || got != "in several chunks" {
		t.Errorf("in chunks: %q, %v", got, err)
	}
	for path, want := range map[string]string{"/failing": "answered 503 Service Unavailable: not today", "/endless": "does not say its length"} {
		if _, err := do("GET", path, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}

	var clients []*Client
	for range 3 {
		c, err := Dial(t.Context(), server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	served.Store(0)
	begin := time.Now()
	rate, err := Load(t.Context(), clients, Request("GET", "/", ""), 20*time.Millisecond)
	// All answers, in a time from the slice's to what passed around it.
	n := float64(served.Load())
	if least, most := n/time.Since(begin).Seconds(), n/0.02; err != nil || n < 3 || rate < least || rate > most {
		t.Errorf("%v answers: %v a second, want %v to %v; %v", n, rate, least, most, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, clients, Request("GET", "/", ""), time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := Load(t.Context(), clients, Request("GET", "/failing", ""), time.Hour); err == nil {
		t.Error("failures were counted")
	}
}

// TestPool: a connection is used again once it is free, and not after an error.
func TestPool(t *testing.T) {
	var connections atomic.Int64
	two := make(chan bool)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/together":
			two <- true
		case "/cut":
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	pool := &Pool{Addr: server.Listener.Addr().String()}
	defer pool.Close()
	ask := func(path string) error {
		var got int
		err := pool.Ask(t.Context(), Request("GET", path, ""), func(status int, _ []byte) { got = status })
		if err == nil && got != http.StatusTeapot {
			t.Errorf("%s: status %d", path, got)
		}
		return err
	}
	for range 3 {
		if err := ask("/"); err != nil {
			t.Fatal(err)
		}
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("one after the other: %d connections", got)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := ask("/together"); err != nil {
				t.Error(err)
			}
		})
	}
	<-two
	<-two
	wg.Wait()
	if got := connections.Load(); got != 2 {
		t.Errorf("two at a time: %d connections", got)
	}
	for i := range pool.idle {
		pool.idle[i].since = time.Now().Add(-maxIdle)
	}
	if err := ask("/"); err != nil || connections.Load() != 3 || len(pool.idle) != 1 {
		t.Errorf("after a long wait: %v, %d connections, %d free", err, connections.Load(), len(pool.idle))
	}
	if ask("/cut") == nil {
		t.Error("an answer that was cut off is none")
	}
	if err := ask("/"); err != nil {
		t.Errorf("after a connection was cut: %v", err)
	}
}

package flaky

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
)

// serveOn runs a replica in real time until the test ends: on real sockets, or where listen
// says.
func serveOn(t *testing.T, listen func(string) (net.Listener, error), boot string) (addr, admin string) {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Service: "flaky", Store: telemetry.NewStore(), LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	service, err := New(Config{Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Name: "real", Faults: parse(t, boot), Grace: time.Second}, tel)
	if err != nil {
		t.Fatal(err)
	}
	server, err := service.Listen(listen)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.Addr(), server.AdminAddr()
}

// dial opens a connection and asks for /work on it.
func dial(t *testing.T, network interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}, addr string) net.Conn {
	t.Helper()
	conn, err := network.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET /work HTTP/1.1\r\nHost: flaky\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestOnTheWire: what a raw TCP client and net/http meet on a real socket.
func TestOnTheWire(t *testing.T) {
	for _, c := range []struct {
		document   string
		head, body bool  // there is some of it
		raw        error // how the connection ends for a raw client
		http       error // what net/http makes of it
	}{
		{`{"reset":{"rate":1}}`, false, false, syscall.ECONNRESET, syscall.ECONNRESET},
		{`{"reset":{"rate":1,"at":"body"}}`, true, true, syscall.ECONNRESET, syscall.ECONNRESET},
		{`{"truncate":{"rate":1}}`, true, true, nil, io.ErrUnexpectedEOF},
		{`{"hang":{"rate":1,"cap":"1ms"}}`, false, false, nil, io.EOF},
	} {
		addr, _ := serveOn(t, nil, c.document)
		answer, err := io.ReadAll(dial(t, new(net.Dialer), addr))
		head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		if !errors.Is(err, c.raw) || (head != "") != c.head || (body != "") != c.body {
			// A reset may overtake what was sent before it.
			if !errors.Is(err, syscall.ECONNRESET) || !errors.Is(c.raw, syscall.ECONNRESET) {
				t.Errorf("%s: a raw client got %q and %v", c.document, answer, err)
			}
		}
		if c.body && c.raw == nil {
			res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(answer))), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if int64(len(body)) != res.ContentLength/2 {
				t.Errorf("%s: %d bytes of %d", c.document, len(body), res.ContentLength)
			}
		}
		// Each request on a connection of its own: net/http asks again by itself where a kept
		// one turns out to be dead.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/work", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		if !errors.Is(err, c.http) {
			t.Errorf("%s: net/http got %v; want %v", c.document, err, c.http)
		}
	}
}

// TestThousandsOfHangingRequests cost what they cost while they last, and nothing after:
// ten thousand, or what the race detector can bear. `make overhead` measures the same, with
// the memory and the answers of /faults meanwhile.
func TestThousandsOfHangingRequests(t *testing.T) {
	n := 10_000
	if raceDetector {
		n = 2000 // it dies of more than 8128 goroutines
	}
	var network memnet.Network // for a process may have fewer descriptors than these need
	addr, admin := serveOn(t, network.Listen, `{"hang":{"rate":1}}`)
	client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
	read := func() (s Stats) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/stats?window=10ms", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	until := func(what string, done func() bool) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for !done() {
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatal(what)
			}
		}
	}
	before := runtime.NumGoroutine()
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = dial(t, &network, addr)
	}
	until("not all of them hang", func() bool { return read().InFlight == n })
	if during := runtime.NumGoroutine(); during > before+2*n+50 {
		t.Errorf("%d goroutines for %d requests", during-before, n)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	until("they do not end", func() bool { return read().InFlight == 0 && runtime.NumGoroutine() <= before+10 })
	if s := read(); s.Outcomes[outcomeHang] != uint64(n) {
		t.Errorf("%+v", s.Outcomes)
	}
}

package resiliencehttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

var errBoom = errors.New("boom")

// roundTripper makes a function an http.RoundTripper that keeps the contract: it closes
// the request's body.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	defer func() {
		if req.Body != nil {
			_ = req.Body.Close()
		}
	}()
	return f(req)
}

// respond makes a response as a RoundTripper would.
func respond(req *http.Request, code int, body string) *http.Response {
	return &http.Response{
		StatusCode: code, Status: fmt.Sprintf("%d %s", code, http.StatusText(code)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// chain retries at once, up to attempts times, with other policies inside.
func chain(t testing.TB, attempts int, inside ...resilience.Policy) resilience.Handler {
	t.Helper()
	policies := []resilience.Policy{resilience.Retry(resilience.RetryConfig{
		MaxAttempts: attempts, Base: time.Nanosecond, Max: time.Nanosecond, Jitter: resilience.JitterNone,
	})}
	return build(t, append(policies, inside...)...)
}

func build(t testing.TB, policies ...resilience.Policy) resilience.Handler {
	t.Helper()
	h, err := resilience.Chain(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func timeout(limit time.Duration) resilience.Policy {
	return resilience.Timeout(resilience.TimeoutConfig{Limit: limit})
}

func newTransport(t testing.TB, cfg rh.Config) *rh.Transport {
	t.Helper()
	tr, err := rh.NewTransport(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func newRequest(t testing.TB, ctx context.Context, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://dependency/", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// roundTrip makes a request and reads the whole answer.
func roundTrip(rt http.RoundTripper, req *http.Request) (res *http.Response, body string, err error) {
	res, err = rt.RoundTrip(req)
	if err != nil {
		return res, "", err
	}
	data, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res, string(data), err
}

// A script is what the server does with one connection; it is closed afterwards.
type script func(conn *serverConn)

// scripted dials into scripts, one for each connection, over pipes: their reads and writes
// let the time of a bubble advance. A dial beyond the last script is refused.
type scripted struct {
	mu      sync.Mutex
	scripts []script
	dials   int
}

func (s *scripted) DialContext(_ context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.dials > len(s.scripts) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	do := s.scripts[s.dials-1]
	if do == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	near, far := net.Pipe()
	client := &clientConn{Conn: near}
	go func() {
		defer func() { _ = far.Close() }()
		do(&serverConn{Conn: far, r: bufio.NewReader(far), client: client})
	}()
	return client, nil
}

var errRefused = errors.New("connection refused")

func (s *scripted) Dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

// transport is an http.Transport over the scripts.
func (s *scripted) transport() *http.Transport {
	return &http.Transport{DialContext: s.DialContext, ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 16 << 10}
}

func newScripted(scripts ...script) *scripted { return &scripted{scripts: scripts} }

// A clientConn is the client's end of a pipe, whose reads can be made to fail.
type clientConn struct {
	net.Conn
	mu      sync.Mutex
	readErr error
}

func (c *clientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.readErr != nil {
		err = &net.OpError{Op: "read", Net: "tcp", Err: c.readErr}
	}
	return n, err
}

// A serverConn is the server's end.
type serverConn struct {
	net.Conn
	r      *bufio.Reader
	client *clientConn
}

// head reads a request's line and headers.
func (c *serverConn) head() *http.Request {
	req, err := http.ReadRequest(c.r)
	if err != nil {
		return &http.Request{Body: http.NoBody}
	}
	return req
}

// request reads a whole request and returns its body.
func (c *serverConn) request() string {
	body, _ := io.ReadAll(c.head().Body)
	return string(body)
}

// say writes, and reports whether the client still listens.
func (c *serverConn) say(s string) bool {
	_, err := io.WriteString(c, s)
	return err == nil
}

// stays waits, and reports whether the client has stayed that long.
func (c *serverConn) stays(d time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(d))
	_, err := c.r.ReadByte()
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// waitForClose returns when the client has closed the connection.
func (c *serverConn) waitForClose() { _, _ = io.Copy(io.Discard, c.r) }

// reset makes the client's reads fail as after a TCP RST.
func (c *serverConn) reset(err error) {
	c.client.mu.Lock()
	c.client.readErr = err
	c.client.mu.Unlock()
}

// fine answers one request well.
func fine(c *serverConn) {
	c.request()
	c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
	c.waitForClose()
}

// saying reads a request and answers with the text, to the letter.
func saying(s string) script {
	return func(c *serverConn) { c.request(); c.say(s) }
}

// A trackedBody is a request body that knows what is done to it.
type trackedBody struct {
	mu     sync.Mutex
	r      io.Reader
	reads  int
	closes int
}

func newBody(s string) *trackedBody { return &trackedBody{r: strings.NewReader(s)} }

func (b *trackedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.closes > 0 {
		return 0, errors.New("read after close")
	}
	return b.r.Read(p)
}

func (b *trackedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closes++
	return nil
}

func (b *trackedBody) Closes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closes
}

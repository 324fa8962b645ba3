package resiliencehttp_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	rh "reliability/pkg/resilience/resiliencehttp"
)

// After 101 the body is the connection, in both directions and for as long as both like.
func TestSwitchingProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &captured{RoundTripper: newScripted(func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			for {
				line, err := c.r.ReadString('\n')
				if err != nil || !c.say(line) {
					return
				}
			}
		}).transport()}
		tr := newTransport(t, rh.Config{Base: base, Handler: build(t, timeout(time.Second))})
		req := newRequest(t, t.Context(), "GET", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		res, err := tr.RoundTrip(req)
		if err != nil || res.StatusCode != 101 {
			t.Fatal(res, err)
		}
		conn, ok := res.Body.(io.ReadWriteCloser)
		if !ok {
			t.Fatalf("the body is a %T", res.Body)
		}
		r := bufio.NewReader(conn)
		for _, line := range []string{"one\n", "two\n"} {
			time.Sleep(time.Minute)
			if _, err := io.WriteString(conn, line); err != nil {
				t.Error(err)
			}
			if got, err := r.ReadString('\n'); got != line || err != nil {
				t.Errorf("%q, %v; want %q", got, err, line)
			}
		}
		// net.Pipe has no half-close, and net/http says so.
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("CloseWrite: %v", err)
		}
		_ = conn.Close()
		_ = conn.Close()
		if base.context().Err() == nil {
			t.Error("the request's context goes on")
		}
	})
}

// halfCloser is a connection that can close one direction; reads end, writes go on.
type halfCloser struct {
	io.Reader
	strings.Builder
	closed, closedWrite int
}

func (h *halfCloser) Close() error      { h.closed++; return nil }
func (h *halfCloser) CloseWrite() error { h.closedWrite++; return nil }

func TestSwitchedDirectionsEndSeparately(t *testing.T) {
	for _, c := range []struct {
		name string
		body io.ReadCloser
	}{
		{"half-closing", &halfCloser{Reader: strings.NewReader("bye")}},
		{"not even writing", newBody("bye")}, // a broken RoundTripper; at least it can be read
		{"writing only", struct {
			io.ReadCloser
			io.Writer
		}{newBody("bye"), io.Discard}},
	} {
		base := &captured{RoundTripper: giving(func(req *http.Request) (*http.Response, error) {
			res := respond(req, 101, "")
			res.Body = c.body
			return res, nil
		})}
		res, err := newTransport(t, rh.Config{Base: base, Handler: build(t)}).RoundTrip(newRequest(t, t.Context(), "GET", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); string(got) != "bye" || err != nil {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		half, isHalf := c.body.(*halfCloser)
		if isHalf {
			if base.context().Err() != nil {
				t.Errorf("%s: the end of one direction ended the request", c.name)
			}
			if err := res.Body.(interface{ CloseWrite() error }).CloseWrite(); err != nil || half.closedWrite != 1 {
				t.Errorf("%s: CloseWrite: %v, %d", c.name, err, half.closedWrite)
			}
		} else if w, ok := res.Body.(interface{ CloseWrite() error }); ok && !errors.Is(w.CloseWrite(), http.ErrNotSupported) {
			t.Errorf("%s: CloseWrite works", c.name)
		}
		_ = res.Body.Close()
		_ = res.Body.Close()
		if isHalf && half.closed != 1 || base.context().Err() == nil {
			t.Errorf("%s: closed %v, context %v", c.name, c.body, base.context().Err())
		}
	}
}

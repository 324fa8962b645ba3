package memnet_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"

	"reliability/internal/memnet"
)

// connect returns both ends of a connection.
func connect(t *testing.T) (near, far net.Conn) {
	t.Helper()
	var network memnet.Network
	l, err := network.Listen("s:80")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	if near, err = network.DialContext(t.Context(), "tcp", "s:80"); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return near, <-accepted
}

func linger(t *testing.T, c net.Conn, sec int) {
	t.Helper()
	if err := c.(interface{ SetLinger(int) error }).SetLinger(sec); err != nil {
		t.Errorf("SetLinger(%d): %v", sec, err)
	}
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t)
		go func() { _, _ = far.Write([]byte("kept")) }()
		got := make([]byte, 4)
		if _, err := io.ReadFull(near, got); err != nil || string(got) != "kept" {
			t.Errorf("before the reset: read %q, %v", got, err)
		}
		pending := make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 1))
			pending <- err
		}()
		synctest.Wait()
		linger(t, far, 0)
		_ = far.Close()
		_, later := near.Read(make([]byte, 1))
		_, written := near.Write([]byte("x"))
		for _, c := range []struct {
			op  string
			err error
		}{{"read", <-pending}, {"read", later}, {"write", written}} {
			op, ok := errors.AsType[*net.OpError](c.err)
			if !ok || op.Op != c.op || !errors.Is(c.err, syscall.ECONNRESET) {
				t.Errorf("%s after the peer's reset: %v", c.op, c.err)
			}
		}
		if _, err := far.Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the end that reset the connection reads %v; want that it is closed", err)
		}
		if err := far.(interface{ SetLinger(int) error }).SetLinger(0); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetLinger after Close: %v", err)
		}
		_ = near.Close()
		if _, err := near.Write([]byte("x")); err == nil || errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the other end, closed as well, writes %v; want that it is closed", err)
		}
	})
}

func TestNoReset(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, net.Conn){
		"nothing said":  func(*testing.T, net.Conn) {},
		"the default":   func(t *testing.T, c net.Conn) { linger(t, c, 0); linger(t, c, -1) },
		"a while":       func(t *testing.T, c net.Conn) { linger(t, c, 0); linger(t, c, 3) },
		"closed before": func(_ *testing.T, c net.Conn) { _ = c.Close() },
	} {
		near, far := connect(t)
		prepare(t, far)
		_ = far.Close()
		if _, err := near.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: read %v; want EOF", name, err)
		}
		if _, err := near.Write([]byte("x")); err != io.ErrClosedPipe {
			t.Errorf("%s: write %v; want as before", name, err)
		}
	}
}

func TestResetHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		l, err := network.Listen("s:80")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			linger(t, c, 0)
			_ = c.Close()
		})}
		served := make(chan error)
		go func() { served <- srv.Serve(l) }()
		client := http.Client{Transport: &http.Transport{DialContext: network.DialContext}}
		if _, err := client.Get("http://s/"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a call whose connection is reset: %v", err)
		}
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
}

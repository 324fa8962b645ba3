package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
)

func TestHTTPInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		l, err := network.Listen("service:80")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Hour)
			_, _ = io.WriteString(w, r.RemoteAddr)
		})}
		served := make(chan error)
		go func() { served <- srv.Serve(l) }()

		client := http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
		begin := time.Now()
		res, err := client.Get("http://service/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if host, _, splitErr := net.SplitHostPort(string(body)); err != nil || splitErr != nil || host != "127.0.0.1" {
			t.Errorf("the server saw the client as %q, %v", body, err)
		}
		if got := time.Since(begin); got != time.Hour {
			t.Errorf("an answer after an hour took %v", got)
		}
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestAddresses(t *testing.T) {
	var network memnet.Network
	a, err := network.Listen("host:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := network.Listen("host:0")
	if err != nil {
		t.Fatal(err)
	}
	if a.Addr().String() == b.Addr().String() {
		t.Errorf("port 0 gave %v twice", a.Addr())
	}
	if _, err := network.Listen(a.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("an address that is taken: %v", err)
	}
	if _, err := network.Listen("no port"); err == nil {
		t.Error("an address without a port was accepted")
	}
	_ = a.Close()
	_ = a.Close()
	again, err := network.Listen(a.Addr().String())
	if err != nil {
		t.Errorf("an address that was given back: %v", err)
	}
	_ = again.Close()
}

func TestDialFails(t *testing.T) {
	var network memnet.Network
	l, err := network.Listen("busy:80")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	errGone := errors.New("gone")
	cancel(errGone)
	for _, c := range []struct {
		name, addr string
		ctx        context.Context
		want       error
	}{
		{"nobody listens", "nowhere:80", t.Context(), syscall.ECONNREFUSED},
		{"nobody accepts until the context is done", "busy:80", ctx, errGone},
	} {
		_, err := network.DialContext(c.ctx, "tcp", c.addr)
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" || !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want a dial error with %v", c.name, err, c.want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		l, err := network.Listen("closing:80")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = l.Close() })
		if _, err := network.DialContext(t.Context(), "tcp", "closing:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the listener closed before it accepted: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
	})
	_ = l.Close()
}

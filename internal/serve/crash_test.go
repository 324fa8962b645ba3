package serve_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"reliability/internal/memnet"
	"reliability/internal/serve"
)

// slowToClose holds up the closing of its connections until something was written.
type slowToClose struct {
	net.Listener
	wrote   chan struct{}
	touched *atomic.Int32 // connections that were closed, and given a deadline thereafter
}

type slowConn struct {
	net.Conn
	*slowToClose
	once   sync.Once
	closed atomic.Bool
}

func (l *slowToClose) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &slowConn{Conn: c, slowToClose: l}, nil
}

func (l *slowToClose) Addr() net.Addr { return l.Listener.Addr() }
func (l *slowToClose) Close() error   { return l.Listener.Close() }

func (c *slowConn) SetLinger(sec int) error {
	if c.closed.Load() {
		c.touched.Add(1)
	}
	return c.Conn.(interface{ SetLinger(int) error }).SetLinger(sec)
}

func (c *slowConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.once.Do(func() { c.wrote <- struct{}{} })
	return n, err
}

func (c *slowConn) Close() error {
	if !c.closed.Swap(true) {
		<-c.wrote
	}
	return c.Conn.Close()
}

// A handler that answers when its context ends is quicker than the closing of its
// connection, and is not heard all the same; what was closed long ago is let be.
func TestNoLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		var touched atomic.Int32
		s, err := serve.Listen(serve.Config{
			Addr: "s:80", AdminAddr: "s:90",
			Listen: func(addr string) (net.Listener, error) {
				l, err := network.Listen(addr)
				return &slowToClose{l, make(chan struct{}, 1), &touched}, err
			},
			Public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					<-r.Context().Done()
				}
				_, _ = io.WriteString(w, "last words")
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		client := http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
		res, err := client.Get("http://s/")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		failed := make(chan error, 1)
		go func() {
			_, err := client.Post("http://s/", "", nil)
			failed <- err
		}()
		synctest.Wait()
		s.Outage(nil)
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a call in flight: %v; want a reset", err)
		}
		if n := touched.Load(); n != 0 {
			t.Errorf("%d connections were remembered after they had closed", n)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

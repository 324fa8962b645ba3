// Package memnet is a network in memory, so that whole services, their clients and the
// time between them run inside a testing/synctest bubble, where a real socket would keep
// virtual time from advancing.
package memnet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// A Network connects listeners and dialers by address. Addresses are text, "host:port",
// with no meaning beyond being equal; port 0 picks one that is free. The zero value is an
// empty network, ready for use. It is safe for concurrent use.
type Network struct {
	mu        sync.Mutex // protects what follows
	listeners map[string]*listener
	lastPort  int
}

// Listen opens a listener at addr, or fails as the operating system does when somebody
// already has it.
func (n *Network) Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" {
		for addr = ""; addr == "" || n.listeners[addr] != nil; {
			addr = net.JoinHostPort(host, strconv.Itoa(n.freePortLocked()))
		}
	}
	if _, taken := n.listeners[addr]; taken {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: address(addr), Err: syscall.EADDRINUSE}
	}
	l := &listener{network: n, addr: address(addr), conns: make(chan net.Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	n.listeners[addr] = l
	return l, nil
}

// DialContext connects to the listener at addr. It waits until that accepts, and is
// refused at once where nobody listens. Its signature is that of net.Dialer.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: address(addr), Err: err}
	}
	n.mu.Lock()
	l := n.listeners[addr]
	from := address(fmt.Sprintf("127.0.0.1:%d", n.freePortLocked()))
	n.mu.Unlock()
	if l == nil {
		return fail(syscall.ECONNREFUSED)
	}
	near, far := pipe(from, l.addr)
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return fail(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return fail(context.Cause(ctx))
	}
}

// freePortLocked counts up from where ephemeral ports begin.
func (n *Network) freePortLocked() int {
	if n.lastPort++; n.lastPort < 49152 || n.lastPort > 65535 {
		n.lastPort = 49152
	}
	return n.lastPort
}

type listener struct {
	network *Network
	addr    address
	conns   chan net.Conn
	close   sync.Once
	closed  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
}

func (l *listener) Close() error {
	l.close.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, string(l.addr))
		l.network.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

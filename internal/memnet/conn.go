package memnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// A conn is one end of a net.Pipe that knows its addresses, and that can be reset.
type conn struct {
	net.Conn
	local, remote address
	peer          *conn
	abrupt        atomic.Bool // Close is to reset
	closed        atomic.Bool
	reset         atomic.Bool // Close did reset
}

// pipe returns both ends of a connection between two addresses.
func pipe(from, to address) (near, far *conn) {
	a, b := net.Pipe()
	near = &conn{Conn: a, local: from, remote: to}
	far = &conn{Conn: b, local: to, remote: from, peer: near}
	near.peer = far
	return near, far
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetLinger is that of [net.TCPConn]: after 0, Close resets the connection. Any other time
// changes nothing, since nothing that was written waits to be sent.
func (c *conn) SetLinger(sec int) error {
	if c.closed.Load() {
		return c.failed("set", net.ErrClosed)
	}
	c.abrupt.Store(sec == 0)
	return nil
}

func (c *conn) Close() error {
	if !c.closed.Swap(true) && c.abrupt.Load() {
		c.reset.Store(true) // first: who sees the end is to see what kind of end
	}
	return c.Conn.Close()
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) && c.peer.reset.Load() {
		err = c.failed("read", os.NewSyscallError("read", syscall.ECONNRESET))
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	// A pipe says the same of either end that is closed.
	if errors.Is(err, io.ErrClosedPipe) && c.peer.reset.Load() && !c.closed.Load() {
		err = c.failed("write", os.NewSyscallError("write", syscall.ECONNRESET))
	}
	return n, err
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

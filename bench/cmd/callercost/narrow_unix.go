//go:build unix

package main

import (
	"errors"
	"syscall"
)

// narrow makes a connection, before it is one, that holds little of what nobody reads: few
// kilobytes here and, through the small segments, some ten at the other end, where it would
// be megabytes else. So who writes to it is stalled within a second.
func narrow(_, _ string, c syscall.RawConn) error {
	var errs [2]error
	err := c.Control(func(fd uintptr) {
		errs[0] = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		errs[1] = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
	})
	return errors.Join(err, errs[0], errs[1])
}

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// answerTimeout is how long an answer may take before measuring makes no sense.
const answerTimeout = 10 * time.Second

// A client is one connection that is kept alive. It costs less than net/http's, so that
// more of what is measured is the server.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

func connect(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: answerTimeout}).DialContext(ctx, "tcp", addr)
}

func dial(ctx context.Context, addr string) (*client, error) {
	conn, err := connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, r: bufio.NewReader(conn)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// request is one as bytes.
func request(method, path, body string) []byte {
	length := ""
	if body != "" {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: flaky\r\n%s\r\n%s", method, path, length, body)
}

// exchange sends a request and returns the answer's body, which is good until the next.
// An answer that is not 200 is an error.
func (c *client) exchange(request []byte) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	status, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return nil, fmt.Errorf("answered %q", bytes.TrimSpace(status))
	}
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("the answer does not say its length")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return c.body, err
}

// load has each client send one request after the other for a while, at least one, and
// returns how many were answered in a second.
func load(ctx context.Context, clients []*client, request []byte, d time.Duration) (float64, error) {
	answers, errs := make([]int, len(clients)), make([]error, len(clients))
	var wg sync.WaitGroup
	begin := time.Now()
	for i, c := range clients {
		wg.Go(func() {
			n := 0 // not in answers, where the clients would share a cache line
			for errs[i] == nil && (n == 0 || time.Since(begin) < d) && ctx.Err() == nil {
				if _, errs[i] = c.exchange(request); errs[i] == nil {
					n++
				}
			}
			answers[i] = n
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	sum := 0
	for _, n := range answers {
		sum += n
	}
	return float64(sum) / elapsed.Seconds(), cmp.Or(ctx.Err(), errors.Join(errs...))
}

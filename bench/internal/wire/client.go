// Package wire is an HTTP client that costs less than net/http's, so that more of what is
// measured is the server.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// AnswerTimeout is how long an answer may take before measuring makes no sense.
const AnswerTimeout = 10 * time.Second

// A Client is one connection that is kept alive, for one request at a time.
type Client struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

// Connect opens a connection.
func Connect(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: AnswerTimeout}).DialContext(ctx, "tcp", addr)
}

// Dial returns a client with a connection of its own.
func Dial(ctx context.Context, addr string) (*Client, error) {
	conn, err := Connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, r: bufio.NewReader(conn)}, nil
}

// Close closes the connection.
func (c *Client) Close() { _ = c.conn.Close() }

// Request is one as bytes. Headers are whole lines.
func Request(method, path, body string, headers ...string) []byte {
	if body != "" {
		headers = append(headers, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	lines := append([]string{fmt.Sprintf("%s %s HTTP/1.1", method, path), "Host: loopback"}, headers...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
}

// Exchange sends a request and returns the answer's body, which is good until the next.
// An answer that is not 200 is an error.
func (c *Client) Exchange(request []byte) ([]byte, error) {
	status, body, err := c.Ask(request)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answered %d %s: %s", status, http.StatusText(status), bytes.TrimSpace(body))
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

// Ask sends a request and returns the answer, whatever its status is. The body is good
// until the next.
func (c *Client) Ask(request []byte) (status int, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(AnswerTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	status, length, chunked, err := c.head()
	switch {
	case err != nil:
	case chunked:
		err = c.chunks()
	case length < 0:
		err = errors.New("the answer does not say its length")
	default:
		if cap(c.body) < length {
			c.body = make([]byte, length)
		}
		c.body = c.body[:length]
		_, err = io.ReadFull(c.r, c.body)
	}
	return status, c.body, err
}

// head reads an answer up to its body.
func (c *Client) head() (status, length int, chunked bool, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, 0, false, err
	}
	code, _, _ := bytes.Cut(bytes.TrimSpace(bytes.TrimPrefix(line, []byte("HTTP/1.1 "))), []byte(" "))
	if status, err = strconv.Atoi(string(code)); err != nil {
		return 0, 0, false, fmt.Errorf("answered %q", bytes.TrimSpace(line))
	}
	for length = -1; ; {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, 0, false, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return status, length, chunked, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
}

// chunks reads a body that comes in chunks, with the empty line after them.
func (c *Client) chunks() error {
	b := bytes.NewBuffer(c.body[:0])
	if _, err := b.ReadFrom(httputil.NewChunkedReader(c.r)); err != nil {
		return err
	}
	c.body = b.Bytes()
	_, err := c.r.ReadSlice('\n')
	return err
}

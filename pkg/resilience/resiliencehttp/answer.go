package resiliencehttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// An answer is a response whose body is at hand, or streams and no longer hangs on the
// attempt that got it.
type answer struct {
	res    *http.Response
	data   []byte // the body, if it is
	atHand bool

	life *lifetime // if it streams

	failure *failure // what made it a failed attempt; nil: it succeeded
}

// rewind makes a body at hand whole again.
func (a *answer) rewind() {
	if a.atHand {
		a.res.Body = io.NopCloser(bytes.NewReader(a.data))
	}
}

// whenOver has f called when nothing of the answer is left to read.
func (a *answer) whenOver(f func()) {
	if a.life == nil {
		f()
		return
	}
	a.life.released = f
}

func (a *answer) close() { _ = a.res.Body.Close() }

// firstBuffer is what a body may claim in advance; more is given when more has come.
const firstBuffer = 64 << 10

// readUpTo reads a body of at most limit bytes. It reports false for a larger one, with
// what it has read of it: nothing if the length says so already. A length of 0 or less
// says nothing.
func readUpTo(body io.Reader, limit, length int64) (data []byte, all bool, err error) {
	if length > limit {
		return nil, false, nil
	}
	var b bytes.Buffer
	if length > 0 {
		b.Grow(int(min(length, firstBuffer)) + bytes.MinRead)
	}
	// One more than the limit, because only what follows the last byte tells that it was.
	n, err := b.ReadFrom(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, false, err
	}
	return b.Bytes(), n <= limit, nil
}

// stream returns a body that begins with what has been read of it, and keeps life up to
// its end.
func stream(res *http.Response, begin []byte, life *lifetime) io.ReadCloser {
	body := res.Body // which the stream is about to replace
	closeOnce := sync.OnceValue(func() error {
		defer life.release()
		return body.Close()
	})
	if conn, ok := body.(io.ReadWriteCloser); ok && res.StatusCode == http.StatusSwitchingProtocols {
		return &switchedBody{ReadWriteCloser: conn, close: closeOnce}
	}
	s := &streamBody{Reader: body, life: life, close: closeOnce}
	if len(begin) > 0 {
		s.Reader = io.MultiReader(bytes.NewReader(begin), body)
	}
	return s
}

// A streamBody is the body of an answer that was too large to be read in its attempt.
type streamBody struct {
	io.Reader
	life  *lifetime
	close func() error
}

// Read releases what the body holds at its end, for callers who read all and forget to
// close it.
func (s *streamBody) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		s.life.release()
	}
	return n, err
}

// Close closes the body and ends its request. It may be called late, twice, and during a
// Read.
func (s *streamBody) Close() error { return s.close() }

// A switchedBody is the connection that a 101 answer leaves behind. Its two directions
// end separately, so only Close releases what it holds.
type switchedBody struct {
	io.ReadWriteCloser
	close func() error
}

func (s *switchedBody) Close() error { return s.close() }

// CloseWrite ends the caller's direction, if the connection can do that.
func (s *switchedBody) CloseWrite() error {
	if c, ok := s.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return fmt.Errorf("resiliencehttp: CloseWrite: %w", http.ErrNotSupported)
}

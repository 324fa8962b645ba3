package resiliencehttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

var errNoResponse = errors.New("resiliencehttp: the RoundTripper returned neither a response nor an error")

// An exchange is one request and its answer, within one attempt.
type exchange struct {
	cfg  *Config
	req  *http.Request // what is sent
	life *lifetime     // its context

	received io.Closer // the answer's body, once there is one
	streams  bool      // it has been left to the answer, with life
}

// run sends the request and reads the answer's body if that is small enough, so that one
// which breaks off or drips is the attempt's failure and not the caller's.
func (x *exchange) run(rt http.RoundTripper) (*answer, error) {
	defer x.end()                   // deferred, because a panic and runtime.Goexit unwind too
	res, err := rt.RoundTrip(x.req) // whose body end closes, unless the answer streams and has it
	switch {
	case err != nil:
		if res != nil && res.Body != nil { // which http.RoundTripper forbids
			_ = res.Body.Close()
		}
		return nil, err
	case res == nil:
		return nil, errNoResponse
	case res.Body == nil: // only net/http's own promise never to do this
		res.Body = http.NoBody
	}
	x.received = res.Body
	return x.receive(res)
}

// end gives back what no streaming answer needs.
func (x *exchange) end() {
	if x.streams {
		return
	}
	if x.received != nil {
		_ = x.received.Close() // before release: a connection whose request is cancelled is lost
	}
	x.life.release()
}

func (x *exchange) receive(res *http.Response) (*answer, error) {
	if !mayHaveBody(x.req.Method, res.StatusCode) {
		res.Body = http.NoBody
		return &answer{res: res}, nil
	}
	var begin []byte
	if !x.mustStream(res) {
		data, all, err := readUpTo(res.Body, x.cfg.MaxBuffered, res.ContentLength)
		if err != nil {
			return nil, brokenAnswer(res, err)
		}
		if all {
			a := &answer{res: res, data: data, atHand: true}
			a.rewind()
			return a, nil
		}
		begin = data
	}
	if !x.life.detach() {
		return nil, brokenAnswer(res, context.Cause(x.life.attempt))
	}
	x.streams = true
	res.Body = stream(res, begin, x.life)
	return &answer{res: res, life: x.life}, nil
}

func (x *exchange) mustStream(res *http.Response) bool {
	return res.StatusCode == http.StatusSwitchingProtocols || x.req.Method == http.MethodConnect || x.cfg.Stream(res)
}

// mayHaveBody follows RFC 9110 §6.4.1. After 101 another protocol has the connection.
func mayHaveBody(method string, code int) bool {
	switch {
	case method == http.MethodHead, code == http.StatusNoContent, code == http.StatusNotModified:
		return false
	}
	return code >= 200 || code == http.StatusSwitchingProtocols
}

// brokenAnswer is an answer that could not be read. Where its status is a failure too, it
// is told, for its Retry-After.
func brokenAnswer(res *http.Response, err error) error {
	if status := DefaultClassify(res); status != nil {
		return fmt.Errorf("%w, but its body could not be read: %w", status, err)
	}
	return fmt.Errorf("resiliencehttp: answered %s, but its body could not be read: %w", res.Status, err)
}

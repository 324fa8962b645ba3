package resiliencehttp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

// readsAndFails reads the request's body and fails all the same.
func readsAndFails(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return nil, errBoom
}

func TestEachAttemptGetsTheWholeBody(t *testing.T) {
	original := newBody("body")
	var copies []*trackedBody
	var got []string
	base := giving(func(req *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(req.Body)
		got = append(got, string(data))
		return nil, errors.Join(errBoom, err)
	})
	req := newRequest(t, t.Context(), "PUT", original)
	req.ContentLength = 4
	req.GetBody = func() (io.ReadCloser, error) {
		b := newBody("body")
		copies = append(copies, b)
		return b, nil
	}
	_, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 3)}), req)
	if !errors.Is(err, errBoom) || strings.Join(got, " ") != "body body body" || len(copies) != 2 {
		t.Errorf("%v, bodies %q, %d copies", err, got, len(copies))
	}
	for i, b := range append(copies, original) {
		if b.Closes() != 1 {
			t.Errorf("body %d closed %d times", i, b.Closes())
		}
	}
}

func TestNoBodyStaysNone(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		base := giving(fails(errBoom))
		req := newRequest(t, t.Context(), "PUT", nil)
		req.Body = body
		_, _, _ = roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 2)}), req)
		if base.count() != 2 || base.requests[0].Body != body || base.requests[1].Body != body {
			t.Errorf("%v: %d attempts with %v", body, base.count(), base.requests[0].Body)
		}
	}
}

func TestGetBodyFails(t *testing.T) {
	errGone := errors.New("file is gone")
	for _, first := range []func(*http.Request) (*http.Response, error){fails(errBoom), status(503)} {
		base := giving(first)
		req := newRequest(t, t.Context(), "PUT", strings.NewReader("x"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, errGone }
		res, body, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 3)}), req)
		if base.count() != 1 {
			t.Errorf("%d attempts", base.count())
		}
		if err == nil { // the 503 is the last answer still
			if res.StatusCode != 503 || body != "Service Unavailable" {
				t.Errorf("%v %q", res, body)
			}
			continue
		}
		if !errors.Is(err, errGone) || !errors.Is(err, errBoom) || !resilience.IsPermanent(err) {
			t.Errorf("got %v", err)
		}
	}
}

// A body without GetBody exists once. An attempt that read of it is the last.
func TestBodyThatCannotBeHadAgain(t *testing.T) {
	body := newBody("x")
	base := giving(readsAndFails)
	_, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 3)}), newRequest(t, t.Context(), "PUT", body))
	e, ok := errors.AsType[*rh.UnrepeatableError](err)
	if !ok || !strings.Contains(e.Reason, "GetBody") || !errors.Is(err, errBoom) || !resilience.IsPermanent(err) || base.count() != 1 || body.Closes() != 1 {
		t.Errorf("%v after %d attempts; closed %d times", err, base.count(), body.Closes())
	}
	if !strings.HasSuffix(err.Error(), ": boom") {
		t.Errorf("the reason hides the failure: %v", err)
	}
}

// An attempt that ended before the body was touched leaves it for the next.
func TestUnreadBodyIsLentAgain(t *testing.T) {
	for _, last := range []func(*http.Request) (*http.Response, error){readsAndFails, fails(errBoom)} {
		body := newBody("x")
		base := giving(fails(&net.OpError{Op: "dial", Err: errRefused}), fails(errBoom), last)
		_, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 3)}), newRequest(t, t.Context(), "PUT", body))
		if !errors.Is(err, errBoom) || base.count() != 3 || body.Closes() != 1 {
			t.Errorf("%v after %d attempts; closed %d times", err, base.count(), body.Closes())
		}
	}
}

// keeper is a RoundTripper that does not close the body before it returns, which the
// contract allows.
type keeper struct{ bodies []io.ReadCloser }

func (k *keeper) RoundTrip(req *http.Request) (*http.Response, error) {
	k.bodies = append(k.bodies, req.Body)
	return nil, errBoom
}

func TestBodyIsTakenBackFromAnEndedAttempt(t *testing.T) {
	body := newBody("x")
	base := &keeper{}
	_, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 2)}), newRequest(t, t.Context(), "PUT", body))
	if !errors.Is(err, errBoom) || len(base.bodies) != 2 || body.Closes() != 0 {
		t.Fatalf("%v after %d attempts; closed %d times", err, len(base.bodies), body.Closes())
	}
	if n, err := base.bodies[0].Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the first attempt still reads: %d, %v", n, err)
	}
	_ = base.bodies[0].Close()
	if body.Closes() != 0 {
		t.Error("the first attempt closed the second one's body")
	}
	if n, err := base.bodies[1].Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the second attempt reads %d, %v", n, err)
	}
	_ = base.bodies[1].Close()
	_ = base.bodies[1].Close()
	if body.Closes() != 1 {
		t.Errorf("closed %d times", body.Closes())
	}
}

// Two attempts at one time cannot share one body.
func TestBodyIsNotLentTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newBody("x")
		release := make(chan struct{})
		base := giving(func(req *http.Request) (*http.Response, error) { <-release; return respond(req, 200, ""), nil })
		var second error
		tr := newTransport(t, rh.Config{Base: base, Handler: func(ctx context.Context, op resilience.Op) error {
			first := make(chan error)
			go func() { first <- op(ctx) }()
			synctest.Wait()
			second = op(ctx)
			close(release)
			return <-first
		}})
		_, _, err := roundTrip(tr, newRequest(t, t.Context(), "PUT", body))
		if err != nil || !resilience.Rejected(second) || base.count() != 1 || body.Closes() != 1 {
			t.Errorf("%v; second %v; closed %d times", err, second, body.Closes())
		}
	})
}

// A server that refuses before "100 Continue" has not read the body.
func TestExpectContinue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got string
		net := newScripted(func(c *serverConn) {
			c.head()
			c.say("HTTP/1.1 503 Sick\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			c.waitForClose()
		}, func(c *serverConn) {
			req := c.head()
			c.say("HTTP/1.1 100 Continue\r\n\r\n")
			data, _ := io.ReadAll(req.Body)
			got = string(data)
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
			c.waitForClose()
		})
		body := newBody("large")
		req := newRequest(t, t.Context(), "PUT", body)
		req.Header.Set("Expect", "100-continue")
		tr := newTransport(t, rh.Config{Base: net.transport(), Handler: chain(t, 2)})
		res, answer, err := roundTrip(tr, req)
		if err != nil || answer != "fine" || rh.Attempts(res) != 2 || got != "large" || body.Closes() != 1 {
			t.Errorf("%q, %v; the server got %q; closed %d times", answer, err, got, body.Closes())
		}
	})
}

// Closed means given back: what comes later must not disturb the next attempt.
func TestNoReadAfterClose(t *testing.T) {
	body := newBody("x")
	base := giving(func(req *http.Request) (*http.Response, error) {
		_ = req.Body.Close()
		if n, err := req.Body.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("read %d, %v after Close", n, err)
		}
		return nil, errBoom
	})
	_, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 2)}), newRequest(t, t.Context(), "PUT", body))
	if !errors.Is(err, errBoom) || base.count() != 2 || body.reads != 0 || body.Closes() != 1 {
		t.Errorf("%v after %d attempts; %d reads, closed %d times", err, base.count(), body.reads, body.Closes())
	}
}

// A RoundTripper may close the body after it has returned, also one it never read.
func TestBodyClosedAfterTheCall(t *testing.T) {
	body := newBody("x")
	base := &keeper{}
	_, _, _ = roundTrip(newTransport(t, rh.Config{Base: base, Handler: build(t)}), newRequest(t, t.Context(), "PUT", body))
	if body.Closes() != 0 {
		t.Error("closed while the RoundTripper has it")
	}
	_ = base.bodies[0].Close()
	if body.Closes() != 1 {
		t.Errorf("closed %d times", body.Closes())
	}
}

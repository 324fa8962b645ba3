package resiliencehttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

const limit = 8 // MaxBuffered in these tests

// Which bodies are at hand when RoundTrip returns: the whole of them had to arrive within
// the attempt, whose limit is 1 s.
func TestWhatIsBuffered(t *testing.T) {
	slowly := func(head, first, rest string) script {
		return func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 " + head + "\r\n\r\n" + first)
			if c.stays(10 * time.Second) {
				c.say(rest)
			}
		}
	}
	for _, c := range []struct {
		name    string
		method  string
		do      script
		streams bool
		body    string
	}{
		{"Content-Length above the limit", "GET", slowly("200 OK\r\nContent-Length: 9", "12345678", "9"), true, "123456789"},
		{"more than the limit arrives", "GET", slowly("200 OK\r\nTransfer-Encoding: chunked", "9\r\n123456789\r\n", "1\r\nX\r\n0\r\n\r\n"), true, "123456789X"},
		{"no length, up to the close", "GET", slowly("200 OK", "123456789", "X"), true, "123456789X"},
		{"failure above the limit", "GET", slowly("503 Sick\r\nContent-Length: 10", "123456789", "X"), true, "123456789X"},
		{"event stream", "GET", slowly("200 OK\r\nContent-Type: text/event-stream; charset=utf-8", "", "data"), true, "data"},
		{"CONNECT", "CONNECT", slowly("200 OK", "", "data"), true, "data"},
		{"exactly the limit", "GET", saying("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678"), false, "12345678"},
		{"exactly the limit in chunks", "GET", saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\n"), false, "12345678"},
		{"empty", "GET", saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), false, ""},
		{"no content", "GET", saying("HTTP/1.1 204 No Content\r\n\r\n"), false, ""},
		{"not modified", "GET", saying("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"), false, ""},
		{"HEAD", "HEAD", saying("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &captured{RoundTripper: newScripted(c.do).transport()}
				tr := newTransport(t, rh.Config{Base: base, MaxBuffered: limit, Handler: build(t, timeout(time.Second))})
				t.Cleanup(base.RoundTripper.(*http.Transport).CloseIdleConnections)
				begin := time.Now()
				res, err := tr.RoundTrip(newRequest(t, t.Context(), c.method, nil))
				if err != nil || time.Since(begin) != 0 {
					t.Fatalf("%v after %v", err, time.Since(begin))
				}
				if ended := base.context().Err() != nil; ended == c.streams {
					t.Errorf("the request's context ended: %v; want %v", ended, !c.streams)
				}
				time.Sleep(2 * time.Second) // the attempt's limit is long past
				body, err := io.ReadAll(res.Body)
				if string(body) != c.body || err != nil {
					t.Errorf("body %q, %v; want %q", body, err, c.body)
				}
				// Read to its end, it holds nothing, also if nobody closes it.
				if base.context().Err() == nil {
					t.Error("the request's context goes on after the end of the body")
				}
				for range 2 {
					if err := res.Body.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
			})
		})
	}
}

// endless sends headers and then a body that does not end while the client stays.
func endless(c *serverConn) {
	c.request()
	c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
	for c.say("x") && c.stays(time.Second) {
	}
}

func TestStreamEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errLeft := errors.New("left")
		ctx, cancel := context.WithCancelCause(t.Context())
		tr := newTransport(t, rh.Config{Base: newScripted(endless).transport(), MaxBuffered: limit, Handler: build(t, timeout(time.Second))})
		res, err := tr.RoundTrip(newRequest(t, ctx, "GET", nil))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		time.AfterFunc(time.Minute, func() { cancel(errLeft) })
		n, err := io.Copy(io.Discard, res.Body)
		if n < 60 || err == nil || time.Since(begin) != time.Minute {
			t.Errorf("%d bytes, %v after %v", n, err, time.Since(begin))
		}
		_ = res.Body.Close()
	})
}

func TestCloseEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		base := &captured{RoundTripper: newScripted(endless).transport()}
		tr := newTransport(t, rh.Config{Base: base, MaxBuffered: limit, Handler: build(t, timeout(time.Second))})
		res, err := tr.RoundTrip(newRequest(t, ctx, "GET", nil))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // late
		if base.context().Err() != nil {
			t.Fatal("the request ended before its body was closed")
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.Copy(io.Discard, res.Body) }) // meanwhile
		for range 3 {
			wg.Go(func() { _ = res.Body.Close() })
		}
		wg.Wait()
		// The request ended by itself, and the caller's context no longer reaches it.
		cancel(errBoom)
		synctest.Wait()
		if cause := context.Cause(base.context()); cause != context.Canceled {
			t.Errorf("the request's context ended by %v", cause)
		}
	})
}

// The breaker has its permit back at the headers of an answer that streams.
func TestPermitIsSettledAtTheHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settled := 0
		tr := newTransport(t, rh.Config{Base: newScripted(endless).transport(), MaxBuffered: limit,
			Handler: func(ctx context.Context, op resilience.Op) error {
				err := op(ctx)
				settled++
				return err
			}})
		res, err := tr.RoundTrip(newRequest(t, t.Context(), "GET", nil))
		if err != nil || settled != 1 {
			t.Fatal(err, settled)
		}
		if _, err := res.Body.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		_ = res.Body.Close()
	})
}

// An attempt whose limit passes before it has let go of a streaming body has failed.
func TestLimitPassesBeforeTheStreamIsDetached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newBody("123456789")
		base := giving(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute) // whatever the context says
			res := respond(req, 200, "")
			res.Body, res.ContentLength = body, 9
			return res, nil
		}, status(200))
		tr := newTransport(t, rh.Config{Base: base, MaxBuffered: limit, Handler: chain(t, 2, timeout(time.Second))})
		res, got, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
		if err != nil || got != "OK" || rh.Attempts(res) != 2 || body.Closes() != 1 {
			t.Errorf("%q, %v; the late body was closed %d times", got, err, body.Closes())
		}
	})
}

// A failed answer that streams is kept until it is known whether another attempt follows.
func TestFailedStreamIsClosedByTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []*trackedBody
		base := giving(func(req *http.Request) (*http.Response, error) {
			for i, b := range bodies {
				if b.Closes() != 1 {
					t.Errorf("attempt %d begins with answer %d open", len(bodies)+1, i+1)
				}
			}
			b := newBody("123456789")
			bodies = append(bodies, b)
			res := respond(req, 503, "")
			res.Body, res.ContentLength = b, 9
			return res, nil
		})
		open := 0
		tr := newTransport(t, rh.Config{Base: base, MaxBuffered: limit, Handler: build(t, resilience.Retry(resilience.RetryConfig{
			MaxAttempts: 3, Observer: resilience.ObserverFunc(func(context.Context, resilience.Event) {
				if bodies[len(bodies)-1].Closes() == 0 {
					open++
				}
			}),
		}))})
		res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
		if err != nil || res.StatusCode != 503 || body != "123456789" || len(bodies) != 3 || open != 6 {
			t.Errorf("%v %q %v; %d bodies, open at %d events", res, body, err, len(bodies), open)
		}
		if n := bodies[2].Closes(); n != 1 {
			t.Errorf("the last one was closed %d times", n)
		}
	})
}

func TestTrailers(t *testing.T) {
	for _, size := range []int64{limit, 0} {
		synctest.Test(t, func(t *testing.T) {
			tr := newTransport(t, rh.Config{Handler: build(t), MaxBuffered: size, Base: newScripted(saying("HTTP/1.1 200 OK\r\n" +
				"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n9\r\n123456789\r\n9\r\n123456789\r\n0\r\nX-Sum: 42\r\n\r\n")).transport()})
			res, err := tr.RoundTrip(newRequest(t, t.Context(), "GET", nil))
			if err != nil {
				t.Fatal(err)
			}
			buffered := size == 0
			if got := res.Trailer.Get("X-Sum"); (got == "42") != buffered {
				t.Errorf("at the headers: trailer %q, buffered %v", got, buffered)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil || res.Trailer.Get("X-Sum") != "42" {
				t.Errorf("at the end: trailer %q, %v", res.Trailer.Get("X-Sum"), err)
			}
			_ = res.Body.Close()
		})
	}
}

// A RoundTripper that is not net/http's may leave the body out.
func TestNoBodyInTheAnswer(t *testing.T) {
	base := giving(func(req *http.Request) (*http.Response, error) {
		res := respond(req, 200, "")
		res.Body = nil
		return res, nil
	})
	if _, body, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: build(t)}), newRequest(t, t.Context(), "GET", nil)); body != "" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

// Answers that have no body have none, whatever their Content-Length is about.
func TestAnswersWithoutABody(t *testing.T) {
	for _, code := range []int{204, 304} {
		body := newBody("not a body")
		base := &captured{RoundTripper: giving(func(req *http.Request) (*http.Response, error) {
			res := respond(req, code, "")
			res.Body, res.ContentLength = body, 1000
			return res, nil
		})}
		res, err := newTransport(t, rh.Config{Base: base, MaxBuffered: limit, Handler: build(t)}).RoundTrip(newRequest(t, t.Context(), "GET", nil))
		if err != nil || res.Body != http.NoBody || body.Closes() != 1 || base.context().Err() == nil || res.ContentLength != 1000 {
			t.Errorf("%d: %v, body closed %d times", code, err, body.Closes())
		}
	}
}

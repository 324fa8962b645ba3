package resiliencehttp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

// Servers that misbehave below HTTP. Each is followed by a connection to one that is fine.
type misbehaviour struct {
	name string
	do   script
	took time.Duration // of the first attempt; its timeout is 1 s
	is   error         // in the error of the first attempt
}

func misbehaviours() []misbehaviour {
	return []misbehaviour{
		{"refused", nil, 0, errRefused},
		{"closed before the request is read", func(*serverConn) {}, 0, nil},
		{"closed before the answer", func(c *serverConn) { c.request() }, 0, io.EOF},
		{"closed within the status line", saying("HTTP/1.1 20"), 0, nil},
		{"closed within the headers", saying("HTTP/1.1 200 OK\r\nContent-"), 0, nil},
		{"not HTTP", saying("SSH-2.0-OpenSSH_9.6\r\n\r\n"), 0, nil},
		{"bad Content-Length", saying("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), 0, nil},
		{"truncated body", saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfine"), 0, io.ErrUnexpectedEOF},
		{"no body at all", saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), 0, io.ErrUnexpectedEOF},
		{"bad chunk length", saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nxyz\r\n"), 0, nil},
		{"chunk cut off", saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nfine"), 0, io.ErrUnexpectedEOF},
		{"no last chunk", saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n"), 0, io.ErrUnexpectedEOF},
		{"truncated failure", saying("HTTP/1.1 503 Sick\r\nContent-Length: 10\r\n\r\nfine"), 0, io.ErrUnexpectedEOF},
		{"reset", func(c *serverConn) { c.request(); c.reset(syscall.ECONNRESET) }, 0, syscall.ECONNRESET},
		{"reset within the body", func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfine")
			c.reset(syscall.ECONNRESET)
		}, 0, syscall.ECONNRESET},
		{"hangs without an answer", func(c *serverConn) { c.request(); c.waitForClose() }, time.Second, context.DeadlineExceeded},
		{"hangs within the headers", func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 200 OK\r\n")
			c.waitForClose()
		}, time.Second, context.DeadlineExceeded},
		{"hangs within the body", func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfine")
			c.waitForClose()
		}, time.Second, context.DeadlineExceeded},
		{"drips", func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
			for c.say("x") && c.stays(90*time.Millisecond) {
			}
		}, time.Second, context.DeadlineExceeded},
		{"endless early hints", func(c *serverConn) {
			c.request()
			for c.say("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n") {
			}
		}, 0, nil},
	}
}

func TestMisbehavingServers(t *testing.T) {
	for _, m := range misbehaviours() {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first error
				net := newScripted(m.do, fine)
				tr := newTransport(t, rh.Config{Base: net.transport(), Handler: build(t,
					resilience.Retry(resilience.RetryConfig{
						Base: time.Minute, Max: time.Minute, Jitter: resilience.JitterNone,
						Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) {
							if e.Kind == resilience.EventAttempt && e.Attempt == 1 {
								first = e.Err
							}
						}),
					}), timeout(time.Second))})
				begin := time.Now()
				res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
				if err != nil || body != "fine" || rh.Attempts(res) != 2 || net.Dials() != 2 {
					t.Errorf("%q, %v after %d attempts and %d dials", body, err, rh.Attempts(res), net.Dials())
				}
				if took := time.Since(begin); took != m.took+time.Minute {
					t.Errorf("took %v; want %v and a minute between", took, m.took)
				}
				if first == nil || m.is != nil && !errors.Is(first, m.is) {
					t.Errorf("the first attempt ended with %v; want %v", first, m.is)
				}
			})
		})
	}
}

// The same servers, and a request that is not known to be idempotent: only where nothing
// can have been sent is it sent again.
func TestMisbehavingServersAndPost(t *testing.T) {
	for _, m := range misbehaviours() {
		for _, opt := range []string{"", "key", "context"} {
			t.Run(m.name+" "+opt, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					net := newScripted(m.do, fine)
					tr := newTransport(t, rh.Config{Base: net.transport(), Handler: chain(t, 2, timeout(time.Second))})
					ctx := t.Context()
					if opt == "context" {
						ctx = rh.WithIdempotent(ctx)
					}
					req := newRequest(t, ctx, "POST", strings.NewReader("charge"))
					if opt == "key" {
						req.Header.Set("Idempotency-Key", "1")
					}
					_, body, err := roundTrip(tr, req)
					if opt != "" || m.name == "refused" {
						if body != "fine" || err != nil {
							t.Errorf("%q, %v; want another attempt", body, err)
						}
						return
					}
					if _, ok := errors.AsType[*rh.UnrepeatableError](err); !ok || net.Dials() != 1 || !resilience.IsPermanent(err) {
						t.Errorf("%v after %d dials; want one, and why", err, net.Dials())
					}
					if m.is != nil && !errors.Is(err, m.is) {
						t.Errorf("%v is not %v", err, m.is)
					}
				})
			})
		}
	}
}

// A failure whose body breaks off keeps its status and its Retry-After.
func TestBrokenFailureKeepsItsStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newScripted(saying("HTTP/1.1 503 Sick\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\nfine"))
		tr := newTransport(t, rh.Config{Base: net.transport(), Handler: build(t)})
		_, _, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
		status, ok := errors.AsType[*rh.StatusError](err)
		if !ok || status.RetryAfter() != 7*time.Second || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
}

// After an answer that was read, the connection is kept; when the server closes it between
// requests, http.Transport sees to it alone.
func TestKeepAlive(t *testing.T) {
	for _, size := range []int64{0, 1} { // at hand, and streaming
		synctest.Test(t, func(t *testing.T) { testKeepAlive(t, size) })
	}
}

func testKeepAlive(t *testing.T, size int64) {
	net := newScripted(func(c *serverConn) {
		for _, code := range []string{"200 OK", "404 Not Found", "503 Sick"} {
			c.request()
			c.say("HTTP/1.1 " + code + "\r\nContent-Length: 4\r\n\r\nfine")
		}
	}, fine)
	tr := newTransport(t, rh.Config{Base: net.transport(), Handler: build(t), MaxBuffered: size})
	for i, want := range []int{200, 404, 503, 200} {
		res, body, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
		if err != nil || res.StatusCode != want || body != "fine" || rh.Attempts(res) != 1 {
			t.Errorf("request %d: %v %q %v", i+1, res, body, err)
		}
		synctest.Wait()
		if want := 1 + i/3; net.Dials() != want {
			t.Errorf("request %d: %d dials; want %d", i+1, net.Dials(), want)
		}
	}
}

// An attempt after a failed one leaves the connection that the failure came by, and does
// not become the one that others use.
func TestFreshConnectionAfterAFailure(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		failures := 0
		var from []string
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			from = append(from, r.RemoteAddr)
			if h2 != (r.ProtoMajor == 2) {
				t.Errorf("protocol %s", r.Proto)
			}
			if failures > 0 {
				failures--
				w.WriteHeader(503)
			}
			_, _ = io.WriteString(w, "body")
		}))
		srv.EnableHTTP2 = h2
		srv.StartTLS()
		defer srv.Close()
		tr := newTransport(t, rh.Config{Base: srv.Client().Transport, Handler: chain(t, 4)})
		get := func(ctx context.Context) {
			req, err := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res, _, err := roundTrip(tr, req); err != nil || res.StatusCode != 200 {
				t.Fatal(res, err)
			}
		}
		get(t.Context())
		failures = 2
		get(t.Context()) // three attempts
		get(t.Context())
		if len(from) != 5 {
			t.Fatal(from)
		}
		if from[0] != from[1] || from[4] != from[0] {
			t.Errorf("HTTP/2 %v: first attempts have no connection in common: %v", h2, from)
		}
		if from[2] == from[1] || from[3] == from[1] || from[2] == from[3] {
			t.Errorf("HTTP/2 %v: an attempt after a failure came by the connection of one before: %v", h2, from)
		}
		// A retry around the client, with no retry inside, is known by its number.
		from = nil
		tr = newTransport(t, rh.Config{Base: srv.Client().Transport, Handler: build(t)})
		err := chain(t, 2)(t.Context(), func(ctx context.Context) error {
			get(ctx)
			if resilience.AttemptNumber(ctx) == 1 {
				return errBoom
			}
			return nil
		})
		if err != nil || len(from) != 2 || from[0] == from[1] {
			t.Errorf("HTTP/2 %v: retry outside: %v, %v", h2, from, err)
		}
	}
}

func TestFreshHook(t *testing.T) {
	base, fresh := giving(status(503)), giving(status(503), status(200))
	res, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Fresh: fresh, Handler: chain(t, 4)}), newRequest(t, t.Context(), "GET", nil))
	if err != nil || res.StatusCode != 200 || base.count() != 1 || fresh.count() != 2 {
		t.Errorf("%v, %v: base %d, fresh %d; want 1, 2", res, err, base.count(), fresh.count())
	}
	// Where Base is not an http.Transport it serves all attempts.
	base = giving(status(503), status(200))
	if _, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Handler: chain(t, 4)}), newRequest(t, t.Context(), "GET", nil)); err != nil || base.count() != 2 {
		t.Errorf("%v: base %d", err, base.count())
	}
	// A policy that does not number its attempts makes no difference.
	base, fresh = giving(status(503)), giving(status(200))
	twice := func(ctx context.Context, op resilience.Op) error { _ = op(ctx); return op(ctx) }
	if _, _, err := roundTrip(newTransport(t, rh.Config{Base: base, Fresh: fresh, Handler: twice}), newRequest(t, t.Context(), "GET", nil)); err != nil || fresh.count() != 1 {
		t.Errorf("%v: base %d, fresh %d", err, base.count(), fresh.count())
	}
	// What was turned away before it was sent has made no connection suspect.
	base, fresh = giving(status(200)), giving(status(200))
	turned := 0
	tr := newTransport(t, rh.Config{Base: base, Fresh: fresh, Handler: func(ctx context.Context, op resilience.Op) error {
		turned++
		return op(ctx)
	}})
	if _, _, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil)); err != nil || turned != 1 || base.count() != 1 || fresh.count() != 0 {
		t.Errorf("%v: base %d, fresh %d", err, base.count(), fresh.count())
	}
}

// A real TCP reset: the answer breaks off by RST.
func TestReset(t *testing.T) {
	first := true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !first {
			_, _ = io.WriteString(w, "fine")
			return
		}
		first = false
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfi")
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}))
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, body, err := roundTrip(newTransport(t, rh.Config{Handler: chain(t, 2)}), req)
	if err != nil || body != "fine" || rh.Attempts(res) != 2 {
		t.Errorf("%q, %v", body, err)
	}
}

// Informational answers are none; the traces of the caller see them.
func TestInformational(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, rh.Config{Handler: chain(t, 2), Base: newScripted(func(c *serverConn) {
			c.request()
			c.say("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
		}).transport()})
		var codes []int
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { codes = append(codes, code); return nil },
		})
		res, body, err := roundTrip(tr, newRequest(t, ctx, "GET", nil))
		if err != nil || body != "fine" || rh.Attempts(res) != 1 || len(codes) != 1 || codes[0] != 103 {
			t.Errorf("%q, %v, saw %v", body, err, codes)
		}
	})
}

// Retry waits as long as the answer asks, in either form; and does not wait longer than it
// may, but gives the caller that answer.
func TestRetryAfterThroughRetry(t *testing.T) {
	for name, c := range map[string]struct {
		after    func(now time.Time) string
		attempts int
		took     time.Duration
	}{
		"seconds":                 {func(time.Time) string { return "9" }, 2, 9 * time.Second},
		"a date":                  {func(now time.Time) string { return now.Add(7 * time.Second).UTC().Format(http.TimeFormat) }, 2, 7 * time.Second},
		"as long as is allowed":   {func(time.Time) string { return "30" }, 2, 30 * time.Second},
		"longer than is allowed":  {func(time.Time) string { return "31" }, 1, 0},
		"beyond what can be said": {func(time.Time) string { return "1000000000000000000" }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := giving(func(req *http.Request) (*http.Response, error) {
					res := respond(req, 429, "")
					res.Header.Set("Retry-After", c.after(time.Now()))
					return res, nil
				}, status(200))
				tr := newTransport(t, rh.Config{Base: base, Handler: chain(t, 4)})
				begin := time.Now()
				res, _, err := roundTrip(tr, newRequest(t, t.Context(), "GET", nil))
				if err != nil {
					t.Fatal(err)
				}
				want := 200
				if c.attempts == 1 {
					want = 429
				}
				if res.StatusCode != want || rh.Attempts(res) != c.attempts || time.Since(begin) != c.took {
					t.Errorf("%d in %d attempts after %v; want %d in %d after %v",
						res.StatusCode, rh.Attempts(res), time.Since(begin), want, c.attempts, c.took)
				}
			})
		})
	}
}

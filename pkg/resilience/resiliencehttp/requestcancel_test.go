package resiliencehttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

// hangs reads the request and never answers.
func hangs(c *serverConn) { c.waitForClose() }

func breaker(t testing.TB) resilience.Breaker {
	t.Helper()
	b, err := resilience.NewBreaker(resilience.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func guard(b resilience.Breaker) resilience.Policy {
	return resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})
}

// The old way to call a request off is the caller going away: nobody's failure, and no
// reason for another attempt.
func TestRequestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker(t)
		server := newScripted(hangs)
		tr := newTransport(t, rh.Config{Base: server.transport(), Handler: chain(t, 4, guard(b))})
		req := newRequest(t, t.Context(), "GET", nil)
		gone := make(chan struct{})
		req.Cancel = gone //nolint:staticcheck // what is tested
		time.AfterFunc(time.Second, func() { close(gone) })
		begin := time.Now()
		_, err := tr.RoundTrip(req)
		if err == nil || time.Since(begin) != time.Second || server.Dials() != 1 || b.Stats().Failures != 0 {
			t.Errorf("%v after %v, %d attempts, %d failures", err, time.Since(begin), server.Dials(), b.Stats().Failures)
		}
		if req.Cancel == nil { //nolint:staticcheck // what is tested
			t.Error("the caller's request was changed")
		}
	})
}

func TestRequestCancelEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(t, rh.Config{Base: newScripted(endless).transport(), MaxBuffered: limit, Handler: build(t)})
		req := newRequest(t, t.Context(), "GET", nil)
		gone := make(chan struct{})
		req.Cancel = gone //nolint:staticcheck // what is tested
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, func() { close(gone) })
		begin := time.Now()
		_, err = io.Copy(io.Discard, res.Body)
		if err == nil || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		_ = res.Body.Close()
	})
}

// Nobody closes Cancel, and nothing may wait for it when the answer has been read. A
// goroutine left behind would keep the bubble from ending.
func TestRequestCancelIsLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		do  script
		err bool
	}{
		"buffered": {do: fine}, "streams": {do: endless}, "fails": {do: func(c *serverConn) { c.request() }, err: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := newTransport(t, rh.Config{Base: newScripted(c.do).transport(), MaxBuffered: limit, Handler: build(t)})
			defer tr.CloseIdleConnections()
			req := newRequest(t, context.Background(), "GET", nil)
			req.Cancel = make(chan struct{}) //nolint:staticcheck // what is tested
			res, err := tr.RoundTrip(req)
			if (err != nil) != c.err {
				t.Fatalf("%s: %v", name, err)
			}
			if err == nil {
				_ = res.Body.Close()
			}
		})
	}
}

// The chain may not come to be at all.
func TestRequestCancelIsLetGoWithoutAChain(t *testing.T) {
	for name, build := range map[string]func(string) (resilience.Handler, error){
		"error":  func(string) (resilience.Handler, error) { return nil, errBoom },
		"panic":  func(string) (resilience.Handler, error) { panic("in New") },
		"goexit": func(string) (resilience.Handler, error) { runtime.Goexit(); return nil, nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := newTransport(t, rh.Config{Base: newScripted(fine).transport(), PerHost: newPerHost(t, 1, build)})
			req := newRequest(t, context.Background(), "GET", nil)
			req.Cancel = make(chan struct{}) //nolint:staticcheck // what is tested
			var wg sync.WaitGroup
			wg.Go(func() {
				defer func() { _ = recover() }()
				if res, err := tr.RoundTrip(req); err == nil {
					_ = res.Body.Close()
					t.Errorf("%s: an answer", name)
				}
			})
			wg.Wait()
		})
	}
}

// http.Client.Timeout ends a request by its context and by its Cancel channel at once.
func TestTheClientsTimeoutIsTheCallers(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			b := breaker(t)
			var inside atomic.Pointer[error]
			note := resilience.Custom("note", func(next resilience.Handler) resilience.Handler {
				return func(ctx context.Context, op resilience.Op) error {
					err := next(ctx, op)
					ended := ctx.Err()
					inside.Store(&ended)
					return err
				}
			})
			tr := newTransport(t, rh.Config{Base: newScripted(hangs).transport(), Handler: chain(t, 4, note, guard(b))})
			client := &http.Client{Transport: tr, Timeout: time.Second}
			_, err := client.Do(newRequest(t, t.Context(), "GET", nil))
			if ended := inside.Load(); ended == nil || !errors.Is(*ended, context.DeadlineExceeded) {
				t.Fatal("inside, the call did not end by its deadline")
			}
			if timeout, ok := errors.AsType[interface {
				error
				Timeout() bool
			}](err); !ok || !timeout.Timeout() || b.Stats().Failures != 0 {
				t.Fatalf("%v, %d failures", err, b.Stats().Failures)
			}
		})
	}
}

func TestACallerDoesNotWaitForAnothersChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPerHost(t, 1, func(string) (resilience.Handler, error) {
			time.Sleep(time.Minute)
			return pass, nil
		})
		u := parse(t, "http://a")
		go func() { _, _ = p.Handler(t.Context(), u) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := p.Handler(ctx, u); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		time.Sleep(time.Hour)
	})
}

func TestAResponseBesideAnErrorIsClosed(t *testing.T) {
	body := newBody("x")
	tr := newTransport(t, rh.Config{Handler: build(t), Base: roundTripper(func(req *http.Request) (*http.Response, error) {
		res := respond(req, 200, "")
		res.Body = body
		return res, errBoom
	})})
	_, err := tr.RoundTrip(newRequest(t, t.Context(), "GET", nil))
	if !errors.Is(err, errBoom) || body.Closes() != 1 {
		t.Errorf("%v, closed %d times", err, body.Closes())
	}
}

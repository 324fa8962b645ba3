package serve_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/serve"
)

func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := map[string]string{"X-Instance": "a", "cache-control": "no-store"}
		w := run(t, serve.Config{Headers: headers, Drain: time.Minute}, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(rw, r)
				return
			}
			rw.Header().Set("Cache-Control", "private")
			_, _ = io.WriteString(rw, "hello")
		})
		clear(headers) // the server has its own
		ask := func(method, url string, status int, cache string) {
			t.Helper()
			req, _ := http.NewRequestWithContext(t.Context(), method, url, nil)
			res, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != status || res.Header.Get("X-Instance") != "a" || res.Header.Get("Cache-Control") != cache {
				t.Errorf("%s %s: %s, %v", method, url, res.Status, res.Header)
			}
		}
		ask("GET", "http://s/", 200, "private") // a handler knows better
		ask("GET", "http://s/nothing", 404, "no-store")
		ask("GET", "http://s:90/metrics", 200, "no-store")
		ask("GET", "http://s:90/livez", 200, "no-store")
		ask("GET", "http://s:90/readyz", 200, "no-store")
		w.stop()
		synctest.Wait()
		ask("GET", "http://s:90/readyz", 503, "no-store")
		w.end()
	})
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var why atomic.Pointer[error]
		no := errors.New("the cache is cold")
		why.Store(&no)
		w := run(t, serve.Config{Drain: time.Second, Ready: func() error {
			if e := why.Load(); e != nil {
				return *e
			}
			return nil
		}}, nil)
		w.want("http://s:90/readyz", "503 the cache is cold<nil>")
		w.want("http://s:90/livez", "200 ok<nil>")
		why.Store(nil)
		w.want("http://s:90/readyz", "200 ok<nil>")
		why.Store(&no)
		w.server.Outage(nil)
		w.want("http://s:90/readyz", "503 down<nil>")
		w.end()
	})
	synctest.Test(t, func(t *testing.T) {
		w := run(t, serve.Config{Drain: time.Second, Ready: func() error { return errors.New("no") }}, nil)
		w.stop()
		synctest.Wait()
		w.want("http://s:90/readyz", "503 draining<nil>")
		w.end()
	})
}

func TestBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		var w *world
		note := func(what string) { order = append(order, what+" "+time.Since(w.begin).String()) }
		cfg := serve.Config{
			Drain: 3 * time.Second,
			Grace: 10 * time.Second,
			Background: func(ctx context.Context) {
				<-ctx.Done()
				note("ended")
				time.Sleep(time.Minute)
				note("returned")
			},
			Flush: func(context.Context) error { note("flushed"); return nil },
		}
		w = run(t, cfg, func(http.ResponseWriter, *http.Request) { time.Sleep(8 * time.Second) })
		go w.get("http://s/") // which Shutdown waits for
		synctest.Wait()
		w.end()
		if len(order) != 3 || order[0] != "ended 3s" || order[1] != "returned 1m3s" || order[2] != "flushed 1m3s" {
			t.Errorf("%q; want the background to end with the drain, and the flush to wait for it", order)
		}
	})
}

func TestBackgroundEndsWithAListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		w := run(t, serve.Config{Background: func(ctx context.Context) { <-ctx.Done(); ended = true }}, nil)
		synctest.Wait()
		_ = w.server.Close() // under Run's feet
		if err := <-w.ended; err == nil || !ended {
			t.Errorf("Run: %v, the background has ended: %t", err, ended)
		}
	})
}

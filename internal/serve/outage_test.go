package serve_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/serve"
)

const refused = `Get "http://s/": dial tcp s:80: connection refused`

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 50
		crashed := make(chan error, calls)
		w := run(t, serve.Config{}, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				_, _ = io.WriteString(rw, "hello")
				return
			}
			life := serve.LifeOf(r.Context())
			<-r.Context().Done()
			if !ended(life.Over) || ended(life.Stopping) {
				t.Errorf("over: %t, stopping: %t; want over alone", ended(life.Over), ended(life.Stopping))
			}
			_, _ = io.WriteString(rw, "last words")
			crashed <- context.Cause(r.Context())
		})
		answers := make(chan error, calls)
		for range calls {
			go func() {
				res, err := w.client.Post("http://s/wait", "", nil)
				if err == nil {
					_ = res.Body.Close()
				}
				answers <- err
			}()
		}
		time.Sleep(time.Second)
		admin := make(chan string, 1)
		back := make(chan struct{})
		if !w.server.Outage(back) {
			t.Error("an outage is said to be none")
		}
		w.want("http://s/", refused) // at once
		for range calls {
			if err := <-answers; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("a call in flight: %v; want a reset", err)
			}
			if err := <-crashed; !errors.Is(err, serve.ErrCrashed) {
				t.Errorf("its context ended with %v", err)
			}
		}
		go func() { answer, _ := w.get("http://s:90/metrics"); admin <- answer }()
		if got := <-admin; got != "200 admin<nil>" {
			t.Errorf("the admin side: %s", got)
		}
		w.want("http://s:90/readyz", "503 down<nil>")
		w.want("http://s:90/livez", "200 ok<nil>")
		already := make(chan struct{})
		close(already)
		if w.server.Outage(already) {
			t.Error("an outage in an outage is said to be one")
		}
		time.Sleep(time.Minute)
		w.want("http://s/", refused)
		if got := time.Since(w.begin); got != time.Minute+time.Second {
			t.Errorf("all that took %v", got)
		}

		for range 3 { // and again
			close(back)
			synctest.Wait()
			w.want("http://s/", "200 hello<nil>")
			w.want("http://s:90/readyz", "200 ok<nil>")
			if got := w.server.Addr(); got != "s:80" {
				t.Errorf("now at %s", got)
			}
			back = make(chan struct{})
			w.server.Outage(back)
			w.want("http://s/", refused)
		}
		close(back)
		synctest.Wait()
		w.end()
	})
}

// An answer that has begun stays a fragment, and an idle connection goes as well.
func TestOutageCutsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, serve.Config{}, func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(rw, "half")
			_ = http.NewResponseController(rw).Flush()
			<-r.Context().Done()
		})
		res, err := w.client.Get("http://s/")
		if err != nil {
			t.Fatal(err)
		}
		idle, err := w.network.DialContext(t.Context(), "tcp", "s:80")
		if err != nil {
			t.Fatal(err)
		}
		w.server.Outage(nil)
		if body, err := io.ReadAll(res.Body); string(body) != "half" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("an answer that had begun: %q, %v", body, err)
		}
		_ = res.Body.Close()
		if _, err := bufio.NewReader(idle).ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("an idle connection: %v", err)
		}
		w.end()
	})
}

func TestTheEndInAnOutage(t *testing.T) {
	for name, c := range map[string]struct {
		stop, outage, ended time.Duration
		waiting             bool // there are calls: one ends with its context, one does not even then
	}{
		"it ends during the outage":      {stop: 5 * time.Second, outage: time.Second, ended: 5 * time.Second, waiting: true},
		"an outage during the drain":     {stop: time.Second, outage: 5 * time.Second, ended: 5 * time.Second},
		"an outage during the grace":     {stop: time.Second, outage: 65 * time.Second, ended: 65 * time.Second, waiting: true},
		"both at once, or nearly":        {stop: time.Second, outage: time.Second, ended: time.Second},
		"an outage when all is over now": {stop: time.Second, outage: 2 * time.Minute, ended: 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w *world
				flushed, background := time.Duration(0), time.Duration(0)
				w = run(t, serve.Config{
					Drain: time.Minute, Grace: 10 * time.Second,
					Background: func(ctx context.Context) { <-ctx.Done(); background = time.Since(w.begin) },
					Flush:      func(context.Context) error { flushed = time.Since(w.begin); return nil },
				}, func(_ http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/deaf" {
						time.Sleep(10 * time.Minute)
						return
					}
					<-r.Context().Done()
					if err := context.Cause(r.Context()); !errors.Is(err, serve.ErrCrashed) {
						t.Errorf("the call ended with %v", err)
					}
				})
				if c.waiting {
					go w.get("http://s/")
					go w.get("http://s/deaf")
				}
				time.AfterFunc(c.stop, w.stop)
				time.AfterFunc(c.outage, func() { w.server.Outage(nil) })
				if err := <-w.ended; err != nil {
					t.Errorf("Run: %v", err)
				}
				// Shutdown polls at most twice a second.
				if got := time.Since(w.begin); got < c.ended || got > c.ended+500*time.Millisecond || flushed != got {
					t.Errorf("ended after %v, flushed after %v; want %v", got, flushed, c.ended)
				}
				if want := min(c.ended, 61*time.Second); background != want {
					t.Errorf("the background ended after %v; want %v", background, want)
				}
				w.want("http://s:90/livez", `Get "http://s:90/livez": dial tcp s:90: connection refused`)
				time.Sleep(time.Hour) // for the outage that comes after the end
			})
		})
	}
}

func TestOutageBeforeRun(t *testing.T) {
	l := func(string) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	s, err := serve.Listen(serve.Config{Listen: l})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s.Outage(nil) {
			t.Error("an outage of what does not run is said to be one")
		}
	}
	_ = s.Close()
}

func TestNoWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, serve.Config{Drain: time.Minute}, nil)
		synctest.Wait()
		back := make(chan struct{})
		w.server.Outage(back)
		taken, err := w.network.Listen("s:80")
		if err != nil {
			t.Fatal(err)
		}
		close(back)
		err = <-w.ended
		e, ok := errors.AsType[*serve.ListenError](err)
		if !ok || e.Admin || e.Addr != "s:80" || !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("Run: %v", err)
		}
		_ = taken.Close()
	})
}

// Nothing that is accepted while the server crashes is answered.
func TestOutageWhileAccepting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			down := make(chan struct{})
			w := run(t, serve.Config{}, func(rw http.ResponseWriter, _ *http.Request) {
				if ended(down) {
					_, _ = io.WriteString(rw, "answered after the crash")
				}
			})
			synctest.Wait()
			answer := make(chan string, 1)
			go func() {
				c, err := w.network.DialContext(t.Context(), "tcp", "s:80")
				if err != nil {
					answer <- ""
					return
				}
				<-down
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: s\r\n\r\n")
				got, _ := io.ReadAll(c)
				_ = c.Close()
				answer <- string(got)
			}()
			w.server.Outage(nil)
			close(down)
			if got := <-answer; got != "" {
				t.Fatalf("accepted by a server that crashed: %q", got)
			}
			w.end()
		}
	})
}

// Over real sockets: the address that was free to choose is chosen again.
func TestOutageOverTCP(t *testing.T) {
	waiting := make(chan struct{}, 1)
	s, err := serve.Listen(serve.Config{
		Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0",
		Public: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				waiting <- struct{}{}
				<-r.Context().Done()
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	url, addr := "http://"+s.Addr()+"/", s.Addr()
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	failed := make(chan error, 1)
	go func() {
		_, err := client.Post(url, "", nil)
		failed <- err
	}()
	<-waiting
	back := make(chan struct{})
	s.Outage(back)
	if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a call in flight: %v", err)
	}
	if _, err := client.Get(url); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a call during the outage: %v", err)
	}
	close(back)
	for begin := time.Now(); ; { // polled: nothing says that a listener is there
		res, err := client.Get(url)
		if err == nil {
			_ = res.Body.Close()
			break
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(begin) > 10*time.Second {
			t.Fatalf("a call after the outage: %v", err)
		}
	}
	if s.Addr() != addr {
		t.Errorf("was at %s, is at %s", addr, s.Addr())
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

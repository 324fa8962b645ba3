package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
	"reliability/internal/serve"
)

// world is a server on a network in memory, and a client of it.
type world struct {
	*testing.T
	server  *serve.Server
	network *memnet.Network
	client  *http.Client
	begin   time.Time
	stop    context.CancelFunc
	ended   chan error
}

// run starts a server whose public handler is h, inside the bubble of the test.
func run(t *testing.T, cfg serve.Config, h http.HandlerFunc) *world {
	t.Helper()
	var network memnet.Network
	cfg.Addr, cfg.AdminAddr, cfg.Listen = "s:80", "s:90", network.Listen
	cfg.Public = h
	if cfg.Admin == nil {
		cfg.Admin = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "admin") })
	}
	s, err := serve.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	transport := &http.Transport{DialContext: network.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	w := &world{t, s, &network, &http.Client{Transport: transport}, time.Now(), stop, make(chan error, 1)}
	go func() { w.ended <- s.Run(ctx) }()
	return w
}

// get returns the answer's status and body, and when it was there.
func (w *world) get(url string) (string, time.Duration) {
	res, err := w.client.Get(url)
	if err != nil {
		return err.Error(), time.Since(w.begin)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(body)), map[bool]string{true: " (close)"}[res.Close], err), time.Since(w.begin)
}

func (w *world) want(url, answer string) {
	w.Helper()
	if got, _ := w.get(url); got != answer {
		w.Errorf("after %v, GET %s: %s; want %s", time.Since(w.begin), url, got, answer)
	}
}

// end stops the server, which is to end in order.
func (w *world) end() {
	w.Helper()
	w.stop()
	if err := <-w.ended; err != nil {
		w.Errorf("Run: %v", err)
	}
}

func TestTheEndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flushed := time.Duration(-1)
		var w *world
		cfg := serve.Config{Drain: 3 * time.Second, Grace: 10 * time.Second, Flush: func(ctx context.Context) error {
			flushed = time.Since(w.begin)
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 5*time.Second || ctx.Err() != nil {
				t.Errorf("flush has until %v, %v", deadline, ctx.Err())
			}
			return nil
		}}
		w = run(t, cfg, func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(7 * time.Second):
				_, _ = io.WriteString(rw, "finished")
			case <-r.Context().Done():
				t.Error("a call was cut off although it took less than the grace")
			}
		})
		w.want("http://s:90/readyz", "200 ok<nil>")
		w.want("http://s:90/metrics", "200 admin<nil>")
		time.AfterFunc(time.Second, w.stop)
		early := make(chan time.Duration)
		late := make(chan time.Duration)
		go func() { // accepted before the drain
			answer, at := w.get("http://s/")
			if answer != "200 finished<nil>" && answer != "200 finished (close)<nil>" {
				t.Errorf("a call accepted before the drain: %s", answer)
			}
			early <- at
		}()
		time.Sleep(2 * time.Second)
		go func() { // accepted during the drain
			answer, at := w.get("http://s/")
			if answer != "200 finished (close)<nil>" {
				t.Errorf("a call accepted during the drain: %s; want an answer after which the connection closes", answer)
			}
			late <- at
		}()
		w.want("http://s:90/readyz", "503 draining<nil>")
		w.want("http://s:90/livez", "200 ok<nil>")
		time.Sleep(2*time.Second + 1)
		w.want("http://s/", `Get "http://s/": dial tcp s:80: connection refused`)
		w.want("http://s:90/livez", "200 ok<nil>") // until all calls are done
		if at := <-early; at != 7*time.Second {
			t.Errorf("answered after %v", at)
		}
		if at := <-late; at != 9*time.Second {
			t.Errorf("answered after %v", at)
		}
		if err := <-w.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		// Shutdown polls at most twice a second.
		if flushed < 9*time.Second || flushed > 9500*time.Millisecond {
			t.Errorf("flushed after %v; want when the last call was done", flushed)
		}
		w.want("http://s:90/livez", `Get "http://s:90/livez": dial tcp s:90: connection refused`)
	})
}

func TestGraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, handler := range map[string]http.HandlerFunc{
			"a call that ends with its context": func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				if got := context.Cause(r.Context()); !errors.Is(got, serve.ErrShutdown) {
					t.Errorf("the call's context ended with %v", got)
				}
			},
			"a call that does not": func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) },
		} {
			w := run(t, serve.Config{Grace: 10 * time.Second}, handler)
			answered := make(chan struct{})
			go func() { w.get("http://s/"); close(answered) }()
			synctest.Wait()
			w.stop()
			if err := <-w.ended; err != nil {
				t.Errorf("%s: Run: %v", name, err)
			}
			if got := time.Since(w.begin); got < 10*time.Second || got > 12*time.Second {
				t.Errorf("%s: ended after %v; want the grace, and little more", name, got)
			}
			<-answered
		}
		time.Sleep(time.Hour) // the goroutine that would not listen
	})
}

func TestFlushFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		w := run(t, serve.Config{
			Flush:  func(context.Context) error { return errors.New("collector is gone") },
			Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		}, nil)
		w.stop()
		if err := <-w.ended; err != nil || !strings.Contains(logged.String(), "collector is gone") {
			t.Errorf("Run: %v, logged %q; want an orderly end and a line", err, &logged)
		}
	})
}

func TestAddressTaken(t *testing.T) {
	var network memnet.Network
	taken, err := network.Listen("s:90")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, err = serve.Listen(serve.Config{Addr: "s:80", AdminAddr: "s:90", Listen: network.Listen})
	e, ok := errors.AsType[*serve.ListenError](err)
	if !ok || !e.Admin || !errors.Is(err, syscall.EADDRINUSE) || err.Error() != "cannot listen at s:90: address already in use" {
		t.Errorf("Listen: %v", err)
	}
	again, err := network.Listen("s:80")
	if err != nil {
		t.Errorf("the other listener was not given back: %v", err)
	}
	_ = again.Close()
}

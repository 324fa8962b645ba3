package serve_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/serve"
)

// ended reports whether a channel is closed.
func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watched := make(chan struct{}, 3)
		var w *world
		watch := func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/gone" {
				<-r.Context().Done() // its client leaves, and its life goes on
			}
			life := serve.LifeOf(r.Context())
			<-life.Stopping
			if got := time.Since(w.begin); got != 4*time.Second || ended(life.Over) {
				t.Errorf("%s: stopping after %v, over: %t; want when the drain has passed", r.URL, got, ended(life.Over))
			}
			<-life.Over
			if got := time.Since(w.begin); got != 14*time.Second {
				t.Errorf("%s: over after %v; want when the grace has passed", r.URL, got)
			}
			watched <- struct{}{}
		}
		cfg := serve.Config{Drain: 3 * time.Second, Grace: 10 * time.Second}
		cfg.Admin = http.HandlerFunc(watch)
		w = run(t, cfg, watch)
		ctx, leave := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://s/gone", nil)
		go func() { _, _ = w.client.Do(req) }()
		go w.get("http://s/")
		go w.get("http://s:90/admin")
		time.Sleep(time.Second)
		leave()
		w.end()
		for range cap(watched) {
			<-watched
		}
	})
}

func TestNoLife(t *testing.T) {
	if life := serve.LifeOf(t.Context()); life.Stopping != nil || life.Over != nil {
		t.Errorf("%+v of no server", life)
	}
}

package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
)

// everyOther is a dependency that refuses the first request of each two, until stop is
// called. It counts them.
func everyOther(listener net.Listener) (requests *atomic.Int64, stop func()) {
	requests = new(atomic.Int64)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1)%2 == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // until it is closed
	return requests, func() {
		_ = server.Close()
		serving.Wait()
	}
}

// TestRetryBudget: the dependency is sent no more retries than the budget has, over all calls.
func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		listener, err := network.Listen("127.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		requests, stop := everyOther(listener)
		defer stop()
		client, err := newClient(&http.Transport{DialContext: network.DialContext}, observe(log.New(io.Discard, "", 0)))
		if err != nil {
			t.Fatal(err)
		}
		defer client.CloseIdleConnections()
		done := 0
		for calls := int64(1); calls <= 100; calls++ {
			if outcome, _ := send(t.Context(), client, http.MethodGet, "http://127.0.0.1:80/stock", ""); outcome[:3] == "200" {
				done++
			}
			if retries, most := requests.Load()-calls, 10+0.1*float64(done); float64(retries) > most {
				t.Fatalf("%d retries after %d successes, want at most %v", retries, done, most)
			}
		}
		if retries := requests.Load() - 100; retries < 10 || done < 50 {
			t.Errorf("%d retries, %d successes: the budget was not spent", retries, done)
		}
	})
}

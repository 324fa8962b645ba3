package caller

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/document"
)

// TestCallerProtectsItself: clients beyond what it can bear are told when to come back,
// and what they must not be kept from goes on.
func TestCallerProtectsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, "CALLER_MAX_IN_FLIGHT=2", "CALLER_RATE_LIMIT=0.5", "CALLER_RATE_BURST=3")
		release := make(chan bool)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) { <-release })
		w.put("/api/policy", `{"order":[]}`)
		answers := make(chan called)
		for range 2 {
			go func() { answers <- w.call("") }()
		}
		synctest.Wait()
		for _, want := range []struct {
			status     int
			retryAfter string
			detail     string
		}{
			{http.StatusServiceUnavailable, "1", `caller protects itself: resilience: bulkhead "front": full`},
			{http.StatusTooManyRequests, "2", `caller protects itself: resilience: rate limit "front" reached`},
		} {
			res, body := w.do(w.request("POST", "/orders", `{}`))
			if res.StatusCode != want.status || res.Header.Get("Retry-After") != want.retryAfter || !strings.Contains(body, strings.ReplaceAll(want.detail, `"`, `\"`)) {
				t.Errorf("%s, Retry-After %q: %s; want %d", res.Status, res.Header.Get("Retry-After"), body, want.status)
			}
		}
		f := w.state().Front
		if f.Running != 2 || f.MaxInFlight != 2 || f.Full != 1 || f.Limited != 1 {
			t.Errorf("%+v", f)
		}
		close(release)
		for range 2 {
			if a := <-answers; a.said() != "200 success [ok]" {
				t.Error(a.said())
			}
		}
		time.Sleep(2 * time.Second)
		if a := w.call(""); a.status != 200 {
			t.Errorf("afterwards: %s", a.said())
		}
	})
}

func TestBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		for _, c := range []string{"POST /orders", "PUT /api/policy", "PATCH /api/policy", "PUT /api/load"} {
			method, path, _ := strings.Cut(c, " ")
			var f failure
			if status := w.ask(method, path, strings.Repeat(" ", document.MaxSize+1), &f); status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d", c, status)
			}
		}
	})
}

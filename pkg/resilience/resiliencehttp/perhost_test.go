package resiliencehttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOrigin(t *testing.T) {
	for from, want := range map[string]string{
		"http://example.com":               "http://example.com",
		"HTTP://Example.COM:80/path?q":     "http://example.com",
		"https://user:pw@example.com:443/": "https://example.com",
		"https://example.com:80":           "https://example.com:80",
		"http://example.com:443":           "http://example.com:443",
		"http://example.com:":              "http://example.com",
		"http://example.com:8080/a":        "http://example.com:8080",
		"http://[::1]:80":                  "http://[::1]",
		"http://[2001:DB8::1]:8080":        "http://[2001:db8::1]:8080",
		"http://127.0.0.1:1":               "http://127.0.0.1:1",
		"ftp://example.com:80":             "ftp://example.com:80",
	} {
		if got := rh.Origin(parse(t, from)); got != want {
			t.Errorf("Origin(%s) = %s; want %s", from, got, want)
		}
	}
}

func pass(ctx context.Context, op resilience.Op) error { return op(ctx) }

func newPerHost(t testing.TB, limit int, build func(string) (resilience.Handler, error)) *rh.PerHost {
	t.Helper()
	p, err := rh.NewPerHost(rh.PerHostConfig{New: build, Max: limit})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPerHostForgetsTheLeastRecentlyUsed(t *testing.T) {
	var built []string
	p := newPerHost(t, 2, func(origin string) (resilience.Handler, error) {
		built = append(built, origin)
		return pass, nil
	})
	for _, u := range []string{"http://a/1", "http://b", "http://A:80/2", "http://c", "http://b", "https://b"} {
		if _, err := p.Handler(t.Context(), parse(t, u)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"http://a", "http://b", "http://c", "http://b", "https://b"}; !slices.Equal(built, want) {
		t.Errorf("built %v; want %v", built, want)
	}
	if got, want := p.Origins(), []string{"https://b", "http://b"}; !slices.Equal(got, want) {
		t.Errorf("origins %v; want %v", got, want)
	}
}

func TestPerHostDefaultMax(t *testing.T) {
	p := newPerHost(t, 0, func(string) (resilience.Handler, error) { return pass, nil })
	for i := range 150 {
		if _, err := p.Handler(t.Context(), parse(t, fmt.Sprintf("http://host-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Origins(); len(got) != 100 || got[0] != "http://host-149" || got[99] != "http://host-50" {
		t.Errorf("kept %d, from %s to %s", len(got), got[0], got[len(got)-1])
	}
}

func TestPerHostBuildsOnce(t *testing.T) {
	var builds atomic.Int32
	synctest.Test(t, func(t *testing.T) {
		p := newPerHost(t, 0, func(string) (resilience.Handler, error) {
			builds.Add(1)
			time.Sleep(time.Second) // not under a lock: others get on meanwhile
			return pass, nil
		})
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if _, err := p.Handler(t.Context(), parse(t, fmt.Sprintf("http://host-%d", i%2))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(begin); builds.Load() != 2 || took != time.Second {
			t.Errorf("%d builds in %v; want 2 in 1s", builds.Load(), took)
		}
	})
}

func TestPerHostTriesAgainAfterAFailedBuild(t *testing.T) {
	results := []func() (resilience.Handler, error){
		func() (resilience.Handler, error) { return nil, errBoom },
		func() (resilience.Handler, error) { return nil, nil },
		func() (resilience.Handler, error) { panic("in New") },
		func() (resilience.Handler, error) { runtime.Goexit(); return nil, nil },
		func() (resilience.Handler, error) { return pass, nil },
	}
	p := newPerHost(t, 1, func(string) (resilience.Handler, error) {
		next := results[0]
		results = results[1:]
		return next()
	})
	get := func() (h resilience.Handler, panicked any, err error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { panicked = recover() }()
			h, err = p.Handler(t.Context(), parse(t, "http://a:81/x"))
		}()
		<-done
		return h, panicked, err
	}
	if _, _, err := get(); !errors.Is(err, errBoom) || !strings.Contains(err.Error(), "http://a:81") {
		t.Errorf("an error of New: %v", err)
	}
	if _, _, err := get(); err == nil || !strings.Contains(err.Error(), "made none") {
		t.Errorf("nothing from New: %v", err)
	}
	if _, panicked, _ := get(); panicked == nil {
		t.Error("a panic of New was swallowed")
	}
	if h, _, _ := get(); h != nil {
		t.Error("a handler from Goexit")
	}
	if got := p.Origins(); len(got) != 0 {
		t.Errorf("what could not be built was kept: %v", got)
	}
	if h, _, err := get(); h == nil || err != nil {
		t.Errorf("at last: %v", err)
	}
}

// One host fails and its breaker opens; the other is not touched by it, and a call that
// was under way when its host was forgotten ends as it would have.
func TestTransportPerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		breakers := map[string]resilience.Breaker{}
		perHost := newPerHost(t, 2, func(origin string) (resilience.Handler, error) {
			b, err := resilience.NewBreaker(resilience.BreakerConfig{Name: origin, Failures: 1})
			breakers[origin] = b
			return build(t, resilience.CircuitBreaker(resilience.CircuitBreakerConfig{Breaker: b})), err
		})
		tr := newTransport(t, rh.Config{PerHost: perHost, Base: roundTripper(func(req *http.Request) (*http.Response, error) {
			switch req.URL.Hostname() {
			case "bad":
				return respond(req, 503, ""), nil
			case "slow":
				time.Sleep(time.Minute)
			}
			return respond(req, 200, "ok"), nil
		})})
		get := func(target string) (string, error) {
			req := newRequest(t, t.Context(), "GET", nil)
			req.URL = parse(t, target)
			_, body, err := roundTrip(tr, req)
			return body, err
		}
		if _, err := get("http://bad/one"); err != nil {
			t.Errorf("the answer 503: %v", err)
		}
		_, err := get("http://BAD:80/two")
		if open, ok := errors.AsType[*resilience.OpenError](err); !ok || open.Breaker != "http://bad" {
			t.Errorf("another path of the same host: %v; want its breaker open", err)
		}
		slow := make(chan error)
		go func() { _, err := get("http://slow/"); slow <- err }()
		synctest.Wait()
		for _, u := range []string{"http://good-1", "http://good-2", "http://good-3"} {
			if body, err := get(u); body != "ok" || err != nil {
				t.Errorf("%s: %q, %v", u, body, err)
			}
		}
		if got := perHost.Origins(); slices.Contains(got, "http://slow") {
			t.Errorf("not forgotten: %v", got)
		}
		if err := <-slow; err != nil {
			t.Errorf("the call under way: %v", err)
		}
		if got := breakers["http://slow"].State(); got != resilience.Closed {
			t.Errorf("its breaker is %v", got)
		}
	})
}

func TestTransportPerHostErrors(t *testing.T) {
	perHost := newPerHost(t, 0, func(string) (resilience.Handler, error) { return nil, errBoom })
	tr := newTransport(t, rh.Config{PerHost: perHost})
	body := newBody("x")
	if _, err := tr.RoundTrip(newRequest(t, t.Context(), "POST", body)); !errors.Is(err, errBoom) || body.Closes() != 1 {
		t.Errorf("%v; body closed %d times", err, body.Closes())
	}
	body = newBody("x")
	if _, err := tr.RoundTrip(&http.Request{Method: "POST", Body: body}); err == nil || body.Closes() != 1 {
		t.Errorf("no URL: %v; body closed %d times", err, body.Closes())
	}
}

func TestPerHostConfig(t *testing.T) {
	_, err := rh.NewPerHost(rh.PerHostConfig{Max: -1})
	if err == nil || !strings.Contains(err.Error(), "PerHostConfig.New") || !strings.Contains(err.Error(), "PerHostConfig.Max") {
		t.Errorf("got %v; want both fields", err)
	}
	if field, ok := errors.AsType[*resilience.FieldError](err); !ok || field.Field != "PerHostConfig.New" {
		t.Errorf("first field %v", field)
	}
}

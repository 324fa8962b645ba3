package resiliencehttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reliability/pkg/resilience"
	rh "reliability/pkg/resilience/resiliencehttp"
)

func TestConfig(t *testing.T) {
	perHost := newPerHost(t, 0, func(string) (resilience.Handler, error) { return pass, nil })
	for _, c := range []struct {
		name string
		cfg  rh.Config
		bad  []string
	}{
		{"zero", rh.Config{}, []string{"Config.Handler"}},
		{"both", rh.Config{Handler: pass, PerHost: perHost}, []string{"Config.Handler"}},
		{"every field", rh.Config{MaxBuffered: -1}, []string{"Config.Handler", "Config.MaxBuffered"}},
		{"too much", rh.Config{Handler: pass, MaxBuffered: 1<<30 + 1}, []string{"Config.MaxBuffered"}},
		{"handler", rh.Config{Handler: pass, MaxBuffered: 1 << 30}, nil},
		{"per host", rh.Config{PerHost: perHost}, nil},
	} {
		tr, err := rh.NewTransport(c.cfg)
		if (err == nil) != (c.bad == nil) || (tr == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", c.name, tr, err)
			continue
		}
		for _, field := range c.bad {
			if !strings.Contains(err.Error(), field+" is ") {
				t.Errorf("%s: %v; want %s", c.name, err, field)
			}
		}
		if _, ok := errors.AsType[*resilience.FieldError](err); ok != (c.bad != nil) {
			t.Errorf("%s: no FieldError in %v", c.name, err)
		}
	}
}

func TestAttemptsOfOtherAnswers(t *testing.T) {
	for _, res := range []*http.Response{nil, {}, {Request: newRequest(t, t.Context(), "GET", nil)}} {
		if n := rh.Attempts(res); n != 0 {
			t.Errorf("%v: %d", res, n)
		}
	}
}

// The client's own timeout, its redirects and its idle connections work as without.
func TestUnderHTTPClient(t *testing.T) {
	failures := 1
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/from":
			http.Redirect(w, r, "/to", http.StatusFound)
		case r.URL.Path == "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 3<<20))
		case failures > 0:
			failures--
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, "there")
		}
	}))
	defer srv.Close()
	client := &http.Client{Transport: newTransport(t, rh.Config{Handler: chain(t, 2)}), Timeout: time.Hour}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		path     string
		size     int
		attempts int
	}{{"/from", 5, 2}, {"/large", 3 << 20, 1}} {
		res, err := client.Get(srv.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || len(body) != c.size || rh.Attempts(res) != c.attempts {
			t.Errorf("%s: %d bytes, %v after %d attempts", c.path, len(body), err, rh.Attempts(res))
		}
	}
}

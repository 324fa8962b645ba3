package engine

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestChangesByPages(t *testing.T) {
	h := SameOrigin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []struct {
		method, host, origin, site string
		allowed                    bool
	}{
		{"PUT", "127.0.0.1:8080", "http://127.0.0.1:8080", "same-origin", true},
		{"PUT", "localhost:8080", "http://localhost:8080", "", true},
		{"PUT", "[::1]:8080", "http://[::1]:8080", "", true},
		{"POST", "caller:8080", "http://caller:8080", "", true},
		{"PUT", "caller.reliability.svc.cluster.local:8080", "", "same-origin", true},
		{"PUT", "rebound.example:8080", "", "", true}, // no page
		{"GET", "rebound.example:8080", "", "same-origin", true},
		{"PUT", "rebound.example:8080", "http://rebound.example:8080", "same-origin", false},
		{"DELETE", "rebound.example", "http://rebound.example", "", false},
		{"POST", "127.0.0.1.example:8080", "", "same-origin", false},
		{"PUT", "127.0.0.1:8080", "http://elsewhere.example", "cross-site", false},
		{"PUT", "127.0.0.1:8080", "http://127.0.0.1:9999", "same-site", false},
	} {
		r := httptest.NewRequest(c.method, "/api/faults", nil)
		r.Host = c.host
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Code == http.StatusOK; got != c.allowed {
			t.Errorf("%s to %s by %q (%s): %d", c.method, c.host, c.origin, c.site, w.Code)
		}
	}
}

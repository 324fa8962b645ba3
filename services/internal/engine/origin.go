package engine

import (
	"net"
	"net/http"
	"strings"

	"reliability/internal/problem"
)

// SameOrigin refuses changes that a page elsewhere makes through a visitor's browser:
// those of another origin, and those of a page whose name was made to stand for this
// address (DNS rebinding), which is then of the same origin.
func SameOrigin(h http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.New(http.StatusForbidden, "a change must come from a page of this origin, or from no page at all").Write(w)
	}))
	return p.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromPage(r) && !private(r.Host) {
			problem.New(http.StatusForbidden, "a change by a page must be sent to localhost, an address or a name without dots, and not to "+r.Host).Write(w)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// fromPage reports whether a browser sends a change for a page.
func fromPage(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

// private reports whether nobody else can own a host's name: names of the public DNS have
// dots, which those within a cluster end with .svc or .cluster.local.
func private(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".svc", ".cluster.local"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}

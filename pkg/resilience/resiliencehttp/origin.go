package resiliencehttp

import (
	"net"
	"net/url"
	"strings"
)

// Origin returns scheme and host of a URL in one form, RFC 6454: in lower case, without
// the scheme's own port: "https://example.com", "http://[::1]:8080".
func Origin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		port = ""
	}
	if port != "" {
		return scheme + "://" + net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host
}

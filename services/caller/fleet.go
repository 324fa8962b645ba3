package caller

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A fleet is all instances of a service: one for each address that the host of a URL stands
// for at the moment. It is safe for concurrent use.
type fleet struct {
	url     *url.URL
	network Network
	tls     *tls.Config // nil: the system's roots
}

func newFleet(u *url.URL, network Network) *fleet { return &fleet{url: u, network: network} }

// addresses returns where the instances are, in order.
func (f *fleet) addresses(ctx context.Context) ([]string, error) {
	hosts, err := f.network.LookupHost(ctx, f.url.Hostname())
	if err != nil {
		return nil, err
	}
	port := f.url.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[f.url.Scheme]
	}
	if port == "" {
		port = "80"
	}
	addresses := make([]string, len(hosts))
	for i, host := range hosts {
		addresses[i] = net.JoinHostPort(host, port)
	}
	slices.Sort(addresses)
	return slices.Compact(addresses), nil
}

// ask sends a request to the instance at an address and returns its whole answer. Path is
// below the URL's own, and has no query.
func (f *fleet) ask(ctx context.Context, address, method, path string, body []byte, limit time.Duration) (status int, answer []byte, err error) {
	slow := fmt.Errorf("no answer within %v", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, slow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.url.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Host = withoutRoot(f.url)
	switch method {
	case http.MethodGet, http.MethodDelete:
	case http.MethodPatch:
		req.Header.Set("Content-Type", "application/merge-patch+json")
	default:
		req.Header.Set("Content-Type", "application/json")
	}
	status, answer, err = f.send(req, address)
	if err != nil && (errors.Is(context.Cause(ctx), slow) || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = slow // whatever it was doing then
	}
	return status, answer, err
}

// send has a transport for each request, because one keeps connections by the host, which
// all instances have in common. It is the host that a certificate and a virtual host are
// of, so the address is only what is dialled.
func (f *fleet) send(req *http.Request, address string) (status int, answer []byte, err error) {
	client := &http.Client{
		Transport: &http.Transport{
			// Not with the context that it gets: net/http would go on when nobody waits any more.
			DialContext: func(_ context.Context, network, _ string) (net.Conn, error) {
				return f.dial(req.Context(), network, address)
			},
			DisableKeepAlives: true, TLSClientConfig: f.tls.Clone(), MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // who asks knows the URL
		}
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	if err != nil {
		return res.StatusCode, nil, err
	}
	return res.StatusCode, answer, nil
}

// dial opens a connection that ends with ctx's time, whatever it is doing then: a handshake
// that nobody waits for would go on, too.
func (f *fleet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := f.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if deadline, has := ctx.Deadline(); has {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// withoutRoot is a URL's host and port without the dot that keeps a resolver from trying
// other domains. A virtual host goes by the name without it.
func withoutRoot(u *url.URL) string {
	host := strings.TrimSuffix(u.Hostname(), ".")
	switch {
	case u.Port() != "":
		return net.JoinHostPort(host, u.Port())
	case strings.Contains(host, ":"):
		return "[" + host + "]"
	}
	return host
}

// atOnce calls ask for each address at the same time, and returns the results in order.
func atOnce[T any](addresses []string, ask func(address string) T) []T {
	results := make([]T, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() { results[i] = ask(address) })
	}
	all.Wait()
	return results
}

package caller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/memnet"
)

// fleetOf is what raw stands for, in a network where each host has all the addresses.
func fleetOf(t *testing.T, raw string, network *memnet.Network, addresses ...string) *fleet {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return newFleet(u, Network{DialContext: network.DialContext, LookupHost: func(context.Context, string) ([]string, error) { return addresses, nil }})
}

func TestFleetAddresses(t *testing.T) {
	for raw, want := range map[string][]string{
		"http://pods.test.:90":   {"10.0.0.1:90", "10.0.0.2:90", "[fd00::1]:90"},
		"http://pods.test":       {"10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"},
		"https://pods.test/deep": {"10.0.0.1:443", "10.0.0.2:443", "[fd00::1]:443"},
	} {
		got, err := fleetOf(t, raw, nil, "fd00::1", "10.0.0.2", "10.0.0.1", "10.0.0.2").addresses(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", raw, err, diff)
		}
	}
}

// TestFleetGoesByItsName: the host is whom the certificate and the virtual host are of, and
// the address only where it is.
func TestFleetGoesByItsName(t *testing.T) {
	for _, c := range []struct{ url, host, err string }{
		{"https://example.com", "example.com /faults example.com", ""}, // whose certificate httptest has
		{"https://example.com.:443/deep", "example.com:443 /deep/faults example.com", ""},
		{"https://elsewhere.test", "", "certificate is valid for example.com"},
	} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Host+" "+r.URL.Path+" "+r.TLS.ServerName)
		}))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS() // by TCP, because both sides of a handshake may write at once
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		f := newFleet(u, Network{}.withDefaults())
		f.tls = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		f.tls.RootCAs.AddCert(server.Certificate())
		_, answer, err := f.ask(t.Context(), server.Listener.Addr().String(), "GET", "faults", nil, time.Minute)
		if string(answer) != c.host || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %s", c.url, answer, err, c.host, c.err)
		}
		server.Close()
	}
}

func TestFleetHostHeader(t *testing.T) {
	for raw, want := range map[string]string{
		"http://pods.test.:90": "pods.test:90", "http://pods.test.": "pods.test", "http://[fd00::1]:90": "[fd00::1]:90", "http://[fd00::1]": "[fd00::1]",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutRoot(u); got != want {
			t.Errorf("%s: %s; want %s", raw, got, want)
		}
	}
}

// TestFleetLimits: how long an answer may take, and how long it may be.
func TestFleetLimits(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc // nil: nobody listens
		want    string
	}{
		{"in time", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(399 * time.Millisecond)
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprint(w, r.Method, " ", r.Header.Get("Content-Type"), " ", string(body))
		}, `200 "PATCH application/merge-patch+json {}" <nil> after 399ms`},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}, `0 "" no answer within 400ms after 400ms`},
		{"half an answer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, `200 "" no answer within 400ms after 400ms`},
		{"too much", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) },
			`200 "" the answer is larger than 1048576 bytes after 0s`},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.test/", http.StatusTemporaryRedirect)
		},
			`307 "" <nil> after 0s`},
		{"nobody", nil, `0 "" dial tcp 10.0.0.1:90: connection refused after 0s`},
	} {
		synctest.Test(t, func(t *testing.T) {
			var network memnet.Network
			if c.handler != nil {
				l, err := network.Listen("10.0.0.1:90")
				if err != nil {
					t.Fatal(err)
				}
				server := &http.Server{Handler: c.handler, ReadHeaderTimeout: time.Minute}
				go func() { _ = server.Serve(l) }()
				defer func() { _ = server.Close() }()
			}
			f := fleetOf(t, "http://pods.test.:90", &network)
			begin := time.Now()
			status, answer, err := f.ask(t.Context(), "10.0.0.1:90", "PATCH", "faults", []byte("{}"), 400*time.Millisecond)
			if got := fmt.Sprintf("%d %q %v after %v", status, answer, err, time.Since(begin)); got != c.want {
				t.Errorf("%s: %s; want %s", c.name, got, c.want)
			}
		})
	}
}

// TestFleetEndsItsDials with who asks: nothing goes on behind its back.
func TestFleetEndsItsDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &url.URL{Scheme: "http", Host: "pods.test"}
		dialled := make(chan time.Duration, 1)
		begin := time.Now()
		f := newFleet(u, Network{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
			dialled <- time.Since(begin)
			return nil, io.EOF
		}})
		if _, _, err := f.ask(t.Context(), "10.0.0.1:80", "GET", "api/state", nil, time.Second); err == nil || err.Error() != "no answer within 1s" {
			t.Error(err)
		}
		if got := <-dialled; got != time.Second {
			t.Errorf("the dial ended after %v", got)
		}
		// Nor do handshakes, which the end of the bubble proves.
		var network memnet.Network
		l, err := network.Listen("pods.test:443")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, _ := l.Accept()
			_, _ = io.Copy(io.Discard, conn)
		}()
		f = fleetOf(t, "https://pods.test", &network)
		if _, _, err := f.ask(t.Context(), "pods.test:443", "GET", "faults", nil, time.Second); err == nil || err.Error() != "no answer within 1s" {
			t.Error(err)
		}
	})
}

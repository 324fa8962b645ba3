package serve_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/serve"
)

// The time that a client has to send its call is not the time its call may take: net/http
// takes the deadline back when the body was read.
func TestCallsMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t, serve.Config{}, func(rw http.ResponseWriter, r *http.Request) {
			begin := time.Now()
			body, err := io.ReadAll(r.Body)
			select {
			case <-time.After(2 * time.Minute):
			case <-r.Context().Done():
				t.Errorf("%s: the context of the call ended after %v", r.Method, time.Since(begin))
			}
			if err != nil {
				t.Errorf("%s: %v", r.Method, err)
			}
			_, _ = rw.Write(body)
		})
		for _, body := range []struct {
			name string
			io.Reader
		}{
			{"a GET", nil},
			{"a POST of known length", strings.NewReader("body")},
			{"a POST in chunks", io.MultiReader(strings.NewReader("body"))},
			{"a GET on a connection that served before", nil},
		} {
			begin := time.Now()
			method, want := "GET", ""
			if body.Reader != nil {
				method, want = "POST", "body"
			}
			req, _ := http.NewRequestWithContext(t.Context(), method, "http://s/", body.Reader)
			res, err := w.client.Do(req)
			if err != nil {
				t.Errorf("%s: %v", body.name, err)
				continue
			}
			got, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode != 200 || string(got) != want || err != nil || time.Since(begin) != 2*time.Minute {
				t.Errorf("%s: %s %q, %v after %v", body.name, res.Status, got, err, time.Since(begin))
			}
		}
		w.end()
	})
}

func TestSlowClientsAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan error, 1)
		w := run(t, serve.Config{}, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			read <- err
		})
		for name, c := range map[string]struct {
			send string
			at   time.Duration
			body bool
		}{
			"half a body":   {"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 100\r\n\r\nhalf", 30 * time.Second, true},
			"half a header": {"POST / HTTP/1.1\r\nHo", 5 * time.Second, false},
		} {
			conn, err := w.network.DialContext(t.Context(), "tcp", "s:80")
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			go func() { _, _ = io.WriteString(conn, c.send) }()
			if c.body {
				if ne, ok := (<-read).(net.Error); !ok || !ne.Timeout() {
					t.Errorf("%s: the handler read %v", name, ne)
				}
			}
			if got := time.Since(begin); c.body && got != c.at {
				t.Errorf("%s: the handler knew after %v; want %v", name, got, c.at)
			}
			_, _ = io.ReadAll(conn) // until the server closes
			if got := time.Since(begin); got < c.at || got > c.at+time.Second {
				t.Errorf("%s: cut off after %v; want %v", name, got, c.at)
			}
			_ = conn.Close()
		}
		w.end()
	})
}

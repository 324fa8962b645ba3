package caller

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serveCounting puts a handler at an address and counts the connections to it.
func (w *world) serveCounting(addr string, h http.HandlerFunc) *atomic.Int64 {
	w.Helper()
	l, err := w.network.Listen(addr)
	if err != nil {
		w.Fatal(err)
	}
	var opened atomic.Int64
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}}
	w.until(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { _ = server.Close() })
		_ = server.Serve(l)
		return nil
	})
	return &opened
}

// TestConnectionModes: how many connections ten calls take, a second apart.
func TestConnectionModes(t *testing.T) {
	for document, want := range map[string]struct {
		connections int64
		reused      string // of each call, whether its connection was kept
	}{
		`{"mode":"per_request"}`:             {10, "----------"},
		`{"mode":"pooled"}`:                  {1, "-rrrrrrrrr"},
		`{"mode":"pooled","max_age":"2.5s"}`: {4, "-rr-rr-rr-"}, // at 0, 3, 6 and 9 s
	} {
		t.Run(document, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t)
				opened := w.serveCounting("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
				w.put("/api/policy", `{"connections":`+document+`}`)
				reused := ""
				for range 10 {
					reused += map[bool]string{true: "r", false: "-"}[w.call("").Attempts[0].Reused]
					time.Sleep(time.Second)
				}
				if got := opened.Load(); got != want.connections || reused != want.reused {
					t.Errorf("%d connections, %s; want %d, %s", got, reused, want.connections, want.reused)
				}
			})
		})
	}
}

// TestARetryHasAFreshConnection: a kept one leads to where the first attempt failed, here
// to one of two replicas.
func TestARetryHasAFreshConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		var connections atomic.Int64
		type replica struct{}
		l, err := w.network.Listen("upstream.test:80")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{ReadHeaderTimeout: time.Minute,
			ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
				return context.WithValue(ctx, replica{}, []string{"sick", "well"}[(connections.Add(1)-1)%2])
			},
			Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				name := r.Context().Value(replica{}).(string)
				rw.Header().Set("X-Served-By", name)
				if name == "sick" {
					failing(rw, r)
				}
			}),
		}
		w.until(func(ctx context.Context) error {
			context.AfterFunc(ctx, func() { _ = server.Close() })
			_ = server.Serve(l)
			return nil
		})
		w.put("/api/policy", `{"connections":{"mode":"pooled"},"breaker":{"failures":100}}`)
		a := w.call("")
		if a.said() != "200 success [error ok]" || a.Attempts[0].ServedBy != "sick" || a.Attempts[1].ServedBy != "well" || a.Attempts[1].Reused {
			t.Errorf("%s %+v", a.said(), a.Attempts)
		}
		if a = w.call("?retry=off"); a.said() != "502 failure [error]" || !a.Attempts[0].Reused {
			t.Errorf("pinned: %s %+v", a.said(), a.Attempts)
		}
		var pods []string
		for _, p := range w.state().Pods {
			pods = append(pods, strings.TrimSpace(p.ServedBy))
			if p.ServedBy == "sick" && (p.Answers != 2 || p.Failed != 2) || p.ServedBy == "well" && (p.Answers != 1 || p.Failed != 0) {
				t.Errorf("pod %+v", p)
			}
		}
		if strings.Join(pods, " ") != "sick well" {
			t.Errorf("pods %v", pods)
		}
	})
}

// TestDialsAndAnswersAreToldApart, and how each failed: in caller's answer, and in the attempt's span where it got
// no answer at all.
func TestDialsAndAnswersAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		upstream http.HandlerFunc // nil: nobody listens
		slowDial bool
		want     string
		span     any // its attribute reliability.attempt.phase; nil: it has none
	}{
		"refused":   {nil, false, "error dial refused", "dial"},
		"dial":      {nil, true, "timeout dial timeout", "dial"},
		"hang":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, "timeout response timeout", "response"},
		"closed":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, "error response closed", "response"},
		"status":    {failing, false, "error response status", nil},
		"not found": {http.NotFound, false, "error response status", nil},
		"truncated": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "10")
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}, false, "error response truncated", nil},
		"reset": {func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				panic(err)
			}
			_ = conn.(interface{ SetLinger(int) error }).SetLinger(0)
			_ = conn.Close()
		}, false, "error response reset", "response"},
		"well": {func(http.ResponseWriter, *http.Request) {}, false, "ok  ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := run(t)
				if c.slowDial {
					w.dialing = func(ctx context.Context) { <-ctx.Done() }
				}
				if c.upstream != nil {
					w.serve("upstream.test:80", c.upstream)
				}
				called := w.call("?retry=off")
				a := called.Attempts[0]
				if got := a.Result + " " + a.Phase + " " + a.Cause; got != c.want {
					t.Errorf("%s, want %s: %+v", got, c.want, a)
				}
				trace, _ := w.trace(called.TraceID)
				var phases []any // of each attempt
				for _, span := range trace.Spans {
					if span.Kind == "client" {
						phases = append(phases, span.Attributes["reliability.attempt.phase"])
					}
				}
				if diff := cmp.Diff([]any{c.span}, phases); diff != "" {
					t.Errorf("phases in the attempts' spans, -want +got:\n%s", diff)
				}
			})
		})
	}
}

func TestPodsAreBounded(t *testing.T) {
	p := newPods()
	for i := range 500 {
		p.count([]Attempt{{ServedBy: strings.Repeat("x", i+1), Result: resultOK}})
	}
	list := p.read()
	var sum uint64
	for _, pod := range list {
		sum += pod.Answers
	}
	if len(list) != maxPods+1 || sum != 500 {
		t.Errorf("%d pods with %d answers", len(list), sum)
	}
}

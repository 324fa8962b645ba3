package world

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
	"reliability/services/caller"
)

// jaeger is what Jaeger's query API answers, each text once and the last one for ever.
func jaeger(t *testing.T, asked *[]string, answers ...string) *System {
	t.Helper()
	var network memnet.Network
	listener, err := network.Listen("127.0.0.1:16686")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.Path)
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		if answer == "" {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"errors":[{"code":404,"msg":"trace not found"}]}`
		}
		_, _ = w.Write([]byte(answer))
	})}}
	server.Start()
	client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
	})
	return &System{client: client}
}

const twoServices = `{"data":[{"traceID":"t1","spans":[
	{"processID":"p1","references":[{"refType":"CHILD_OF","traceID":"t1"},{"refType":"FOLLOWS_FROM","traceID":"t0"}],
		"tags":[{"key":"error","type":"bool","value":true},{"key":"span.kind","type":"string","value":"client"}]},
	{"processID":"p2","references":[],"tags":[]}],
	"processes":{"p1":{"serviceName":"caller"},"p2":{"serviceName":"flaky"}}}]}`

func call(traceURL string) Done {
	return Done{Answer: caller.Answer{TraceID: "t1", TraceURL: traceURL}}
}

// TestTraceIsWaitedFor: spans come in batches, and from two services.
func TestTraceIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		sys := jaeger(t, &asked, "", `{"data":[{"spans":[],"processes":{}}]}`, twoServices)
		begin := time.Now()
		trace, err := sys.Trace(t.Context(), call("http://127.0.0.1:16686/trace/t1"), func(t Trace) bool { return len(t.Of("flaky")) > 0 })
		if err != nil || time.Since(begin) != 2*tracePause {
			t.Fatalf("after %v: %v", time.Since(begin), err)
		}
		if got := strings.Join(asked, " "); got != "/api/traces/t1 /api/traces/t1 /api/traces/t1" {
			t.Errorf("asked %s", got)
		}
		span := trace.Of("caller")[0]
		if span.Tag("error") != "true" || span.Tag("span.kind") != "client" || span.Tag("nothing") != "" {
			t.Errorf("tags of %+v", span)
		}
		if links := span.Links("t1"); len(links) != 1 || links[0] != "t0" {
			t.Errorf("links %v, want t0 alone", links)
		}
	})
}

func TestTraceThatIsMissing(t *testing.T) {
	cases := []struct {
		name, answer, url string
		limit             time.Duration
		want              string
	}{
		{"never there", "", "http://127.0.0.1:16686/trace/t1", traceLimit, "trace t1 after 30s: GET http://127.0.0.1:16686/api/traces/t1: 404"},
		{"none", `{"data":[]}`, "http://127.0.0.1:16686/trace/t1", traceLimit, "trace t1 after 30s: it is not in Jaeger"},
		{"incomplete", twoServices, "http://127.0.0.1:16686/trace/t1", traceLimit, "trace t1 after 30s: there are 2 spans, and others are missing"},
		{"nobody keeps traces", twoServices, "", 0, ErrNoTraces.Error()},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				sys := jaeger(t, &asked, c.answer)
				begin := time.Now()
				_, err := sys.Trace(t.Context(), call(c.url), func(Trace) bool { return false })
				if err == nil || !strings.HasPrefix(err.Error(), c.want) || time.Since(begin) != c.limit {
					t.Errorf("after %v: %v, want %q after %v", time.Since(begin), err, c.want, c.limit)
				}
			})
		})
	}
	t.Run("the caller goes away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var asked []string
			sys := jaeger(t, &asked, "")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			begin := time.Now()
			_, err := sys.Trace(ctx, call("http://127.0.0.1:16686/trace/t1"), func(Trace) bool { return false })
			if !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
		})
	})
}

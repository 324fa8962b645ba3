package caller

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"reliability/internal/memnet"
	"reliability/internal/serve"
)

// feedWorld is a feed behind a server, whose clock begins when it does.
type feedWorld struct {
	*testing.T
	*feed
	network memnet.Network
	client  *http.Client
	begin   time.Time
	asked   atomic.Int64 // for snapshots
	log     strings.Builder
	end     func()
}

// runFeed serves a feed in memory until the test ends. Snapshots count from 1.
func runFeed(t *testing.T) *feedWorld {
	t.Helper()
	w := &feedWorld{T: t, begin: time.Now()}
	w.feed = newFeed(func() any { return map[string]int64{"n": w.asked.Add(1)} })
	w.logger = slog.New(slog.NewTextHandler(&w.log, nil))
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.network.DialContext, DisableKeepAlives: true}}
	server, err := serve.Listen(serve.Config{
		Addr: "caller.test:80", AdminAddr: "caller.test:90", Listen: w.network.Listen, Public: feedHandler(w.feed), Background: w.run,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	w.end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Cleanup(w.end)
	synctest.Wait()
	return w
}

func feedHandler(f *feed) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/api/events", f.stream)
	return e
}

// A feedWatcher is a client that reads.
type feedWatcher struct {
	res  *http.Response
	stop context.CancelFunc

	mu   sync.Mutex // protects what follows
	seen []string   // "time id event data"
	err  error      // of the end
}

// watch reads events until the test, the server or stop ends it.
func (w *feedWorld) watch() *feedWatcher {
	w.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(w.Context()))
	w.Cleanup(stop)
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://caller.test/api/events", nil)
	res, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	x := &feedWatcher{res: res, stop: stop}
	go x.read(w.begin)
	synctest.Wait()
	return x
}

func (x *feedWatcher) read(begin time.Time) {
	defer func() { _ = x.res.Body.Close() }()
	event := ""
	lines := bufio.NewScanner(x.res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		x.mu.Lock()
		switch name {
		case "id":
			event = value
		case "event":
			event += " " + value
		case "data":
			x.seen = append(x.seen, fmt.Sprintf("%v %s %s", time.Since(begin), event, value))
		case "retry":
			x.seen = append(x.seen, "retry "+value)
		}
		x.mu.Unlock()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err = lines.Err(); x.err == nil {
		x.err = io.EOF
	}
}

func (x *feedWatcher) ended() error {
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// take returns what was seen since the last time.
func (x *feedWatcher) take() []string {
	synctest.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := x.seen
	x.seen = nil
	return seen
}

func (x *feedWatcher) want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, x.take()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

type madeDecision struct {
	N int `json:"n"`
}

func (w *feedWorld) decide(n int) { w.publish("retry", time.Unix(1, 0).UTC(), madeDecision{n}) }

package caller

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
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

func TestFeedTellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		w.decide(0) // nobody watches
		time.Sleep(time.Second)
		if got := w.asked.Load(); got != 0 {
			t.Errorf("%d snapshots for nobody", got)
		}
		a := w.watch()
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := a.res.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		a.want(t, "retry 1000", `1s 0 snapshot {"n":1}`)
		time.Sleep(100 * time.Millisecond)
		w.decide(1)
		w.decide(2)
		time.Sleep(time.Millisecond)
		w.decide(3)
		a.want(t)
		time.Sleep(49 * time.Millisecond)
		// The next of twelve ticks from one snapshot to the next, all at once.
		const at = `{"at":"1970-01-01T00:00:01Z","n":`
		a.want(t, `1.104166665s 1 retry `+at+`1}`, `1.104166665s 2 retry `+at+`2}`, `1.104166665s 3 retry `+at+`3}`)
		w.decide(4)
		b := w.watch() // is told of what happened in its tick, too
		time.Sleep(100 * time.Millisecond)
		b.want(t, "retry 1000", `1.15s 3 snapshot {"n":2}`, `1.166666664s 4 retry `+at+`4}`, `1.25s 5 snapshot {"n":3}`)
		a.want(t, `1.166666664s 4 retry `+at+`4}`, `1.25s 5 snapshot {"n":3}`)
		time.Sleep(500 * time.Millisecond)
		want := []string{`1.5s 6 snapshot {"n":4}`, `1.75s 7 snapshot {"n":5}`}
		a.want(t, want...)
		b.want(t, want...)
		a.stop()
		b.stop()
		time.Sleep(time.Minute)
		if got := w.asked.Load(); got != 5 || w.watching.Load() != 0 {
			t.Errorf("%d snapshots, %d watch", got, w.watching.Load())
		}
	})
}

// TestFeedGoesOnForMinutes: the server's limit for reading a request is none for its answer.
func TestFeedGoesOnForMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		x := w.watch()
		time.Sleep(10 * time.Minute)
		seen := x.take()
		if len(seen) != 2+10*60*4 || seen[len(seen)-1] != `10m0s 2400 snapshot {"n":2401}` {
			t.Errorf("%d events, the last %s, then %v", len(seen), seen[len(seen)-1], x.ended())
		}
	})
}

func TestFeedDropsWhoDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		x := w.watch()
		for _, request := range []string{
			"GET /api/events HTTP/1.1\r\nHost: caller.test\r\n\r\n",
			"GET /api/events HTTP/1.1\r\nHost: caller.test\r\nContent-Length: 9\r\n\r\n", // which never come
		} {
			conn, err := w.network.DialContext(t.Context(), "tcp", "caller.test:80")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := w.watching.Load(); got != 3 {
			t.Fatalf("%d watch", got)
		}
		x.take()
		// Its first snapshot and the header wait to be read; then a batch each tick.
		begin, n := time.Now(), 0
		for w.watching.Load() == 3 || w.watching.Load() == 2 {
			w.decide(n)
			n++
			time.Sleep(21 * time.Millisecond)
			synctest.Wait()
		}
		if got := time.Since(begin); got < time.Second || got > 2*time.Second {
			t.Errorf("dropped after %v", got)
		}
		time.Sleep(time.Second)
		decided := 0
		for _, event := range x.take() {
			if strings.HasSuffix(event, fmt.Sprintf(` retry {"at":"1970-01-01T00:00:01Z","n":%d}`, decided)) {
				decided++
			}
		}
		if decided != n || x.ended() != nil {
			t.Errorf("the one who reads saw %d of %d, then %v", decided, n, x.ended())
		}
		begin = time.Now()
		w.end()                                                   // would wait for a handler
		if got := time.Since(begin); got > 500*time.Millisecond { // between two looks of http.Server.Shutdown
			t.Errorf("those who were dropped were still there for %v", got)
		}
	})
}

// TestFeedWriteLimit: one who does not read is also dropped where little happens.
func TestFeedWriteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		conn, err := w.network.DialContext(t.Context(), "tcp", "caller.test:80")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET /api/events HTTP/1.1\r\nHost: caller.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		before := w.watching.Load()
		time.Sleep(1)
		synctest.Wait()
		if after := w.watching.Load(); before != 1 || after != 0 {
			t.Errorf("%d watch before the limit, %d after it", before, after)
		}
	})
}

func TestFeedTellsWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		hold, held := make(chan struct{}), make(chan struct{})
		snapshot := w.snapshot
		w.snapshot = func() any {
			if w.asked.Load() == 1 {
				close(held)
				<-hold
			}
			return snapshot()
		}
		x := w.watch()
		x.take()
		<-held
		for i := range maxFeedWaiting + 7 { // nobody takes them
			w.decide(i)
		}
		close(hold)
		time.Sleep(250 * time.Millisecond)
		seen := x.take()
		if want := []string{
			`250ms 1 snapshot {"n":2}`, `270.833333ms 2 retry {"at":"1970-01-01T00:00:01Z","n":0}`,
		}; len(seen) != 1+maxFeedBatch+2 || !cmp.Equal(want, seen[:2]) {
			t.Fatalf("%d events, %s; want %s", len(seen), seen[:2], want)
		}
		want := []string{
			`270.833333ms 501 retry {"at":"1970-01-01T00:00:01Z","n":499}`,
			fmt.Sprintf(`270.833333ms 502 lost {"lost":%d}`, maxFeedWaiting-maxFeedBatch+7), `500ms 503 snapshot {"n":3}`,
		}
		if diff := cmp.Diff(want, seen[500:]); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// By size as by number.
		w.publish("big", time.Time{}, strings.Repeat("x", maxFeedBatchSize-100))
		w.publish("big", time.Time{}, strings.Repeat("y", 100))
		w.publish("small", time.Time{}, "z")
		time.Sleep(100 * time.Millisecond)
		seen = x.take()
		if len(seen) != 3 || !strings.Contains(seen[0], "504 big") || !strings.HasSuffix(seen[1], ` 505 small "z"`) || !strings.HasSuffix(seen[2], ` 506 lost {"lost":1}`) {
			t.Errorf("%d events: %.200s", len(seen), seen)
		}
	})
}

// TestFeedForgetsWhatWasForAnother: what was decided, and lost, for one who has left is
// nothing to one who comes.
func TestFeedForgetsWhatWasForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(func() any { return 1 })
		r := newFeedReader(nil)
		f.join(r)
		for range maxFeedWaiting + 1 {
			f.publish("retry", time.Now(), 2)
		}
		f.leave(r)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go f.run(ctx)
		time.Sleep(time.Second)
		r = newFeedReader(nil)
		f.join(r)
		time.Sleep(feedPeriod)
		if got := string(<-r.queue) + string(<-r.queue); got != "id: 0\nevent: snapshot\ndata: 1\n\nid: 1\nevent: snapshot\ndata: 1\n\n" {
			t.Errorf("%q", got)
		}
	})
}

func TestFeedTellsOfItsBugs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		w.snapshot = func() any { panic("oh") }
		x := w.watch()
		w.publish("bad", time.Now(), func() {})
		w.decide(1)
		time.Sleep(250 * time.Millisecond)
		var got []string
		for _, event := range x.take()[1:] {
			fields := strings.SplitN(event, " ", 4)
			var d struct{ Detail string }
			if err := json.Unmarshal([]byte(fields[3]), &d); err != nil {
				t.Error(err)
			}
			got = append(got, fields[0]+" "+fields[2]+" "+d.Detail)
		}
		want := []string{
			"0s problem snapshot cannot be told: panic: oh", "20.833333ms problem bad cannot be told: json: unsupported type: func()",
			"20.833333ms retry ", "250ms problem snapshot cannot be told: panic: oh",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		time.Sleep(10 * time.Second)
		w.end()
		if log := w.log.String(); strings.Count(log, "\n") != 3 || !strings.Contains(log, "feed_test.go") {
			t.Errorf("logged:\n%s", log)
		}
	})
}

func TestFeedLimitsItsReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		for range maxFeedReaders {
			if refusal := w.join(newFeedReader(nil)); refusal != "" {
				t.Fatal(refusal)
			}
		}
		x := w.watch()
		if x.res.StatusCode != 503 || x.res.Header.Get("Retry-After") != "1" || x.res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %v", x.res.Status, x.res.Header)
		}
		// So many are asked after less often: 2.5 snapshots a second make 5000 writes.
		begin := w.asked.Load()
		time.Sleep(4*time.Second + 1)
		if got := w.asked.Load() - begin; got != 10 {
			t.Errorf("%d snapshots in 4 s", got)
		}
	})
}

// TestFeedRhythm: so many readers are never written to more than 5000 times a second.
func TestFeedRhythm(t *testing.T) {
	for _, c := range []struct {
		readers      int
		period, tick time.Duration
	}{
		{1, 250 * time.Millisecond, 250 * time.Millisecond / 12},
		{100, 250 * time.Millisecond, 250 * time.Millisecond / 12},
		{500, 250 * time.Millisecond, 125 * time.Millisecond},
		{1000, 250 * time.Millisecond, 250 * time.Millisecond},
		{2000, 400 * time.Millisecond, 400 * time.Millisecond},
	} {
		if period, tick := feedRhythm(c.readers); period != c.period || tick != c.tick {
			t.Errorf("%d readers: %v, %v; want %v, %v", c.readers, period, tick, c.period, c.tick)
		}
	}
	for readers := 1; readers <= maxFeedReaders; readers++ {
		if _, tick := feedRhythm(readers); float64(readers)/tick.Seconds() > 5000.001 || tick < feedTick {
			t.Errorf("%d readers, each %v", readers, tick)
		}
	}
}

func TestFeedEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFeed(t)
		x := w.watch()
		conn, err := w.network.DialContext(t.Context(), "tcp", "caller.test:80")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET /api/events HTTP/1.1\r\nHost: caller.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it reads nothing, and a write waits for it
		begin := time.Now()
		w.end()
		if got := time.Since(begin); got > 500*time.Millisecond { // between two looks of http.Server.Shutdown
			t.Errorf("ended after %v", got)
		}
		if got := x.ended(); !errors.Is(got, io.EOF) {
			t.Errorf("a reader saw %v", got)
		}
		if refusal := w.join(newFeedReader(nil)); refusal != "this caller is shutting down" {
			t.Errorf("joined: %q", refusal)
		}
	})
}

func TestFeedCostsNothingUnwatched(t *testing.T) {
	f := newFeed(func() any { return nil })
	var v any = madeDecision{1}
	now := time.Now()
	if got := testing.AllocsPerRun(100, func() { f.publish("retry", now, v) }); got != 0 || len(f.decisions) != 0 {
		t.Errorf("%v allocations, %d decisions", got, len(f.decisions))
	}
	if f.join(newFeedReader(nil)) != "" {
		t.Fatal("not joined")
	}
	if got := testing.AllocsPerRun(2*maxFeedWaiting, func() { f.publish("retry", now, v) }); got != 0 || f.lost.Load() == 0 {
		t.Errorf("watched, with nobody to take them: %v allocations, %d lost", got, f.lost.Load())
	}
}

// TestFeedOverTCP: clients that never read cost a bounded amount of memory, and are
// dropped, while one that reads sees everything.
func TestFeedOverTCP(t *testing.T) {
	f := newFeed(func() any { return "snapshot" })
	ready := make(chan struct{})
	server, err := serve.Listen(serve.Config{
		Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Public: feedHandler(f),
		Background: func(ctx context.Context) { close(ready); f.run(ctx) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	<-ready
	const stalled = 20
	for range stalled {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		if _, err := io.WriteString(conn, "GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.Get("http://" + server.Addr() + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	seen := make(chan string, 1)
	go func() {
		decided, lost := 0, 0
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), `data: {"n":`) {
				decided++
			} else if strings.HasPrefix(lines.Text(), "event: lost") {
				lost++
			}
		}
		seen <- fmt.Sprint(decided, " decisions, ", lost, " losses")
	}()
	for f.watching.Load() < stalled+1 {
		runtime.Gosched()
	}
	long := any(map[string]string{"n": strings.Repeat("x", 32<<10)})
	var most uint64
	published, slowest := 0, time.Duration(0)
	for deadline := time.Now().Add(time.Minute); f.watching.Load() > 1 && time.Now().Before(deadline); published++ {
		begin := time.Now()
		f.publish("long", time.Time{}, long)
		slowest = max(slowest, time.Since(begin))
		time.Sleep(10 * time.Millisecond) // as fast as the feed sends: it is the sockets that are to fill
		if published%20 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if got := f.watching.Load(); got != 1 {
		t.Errorf("%d watch", got)
	}
	if most > 64<<20 {
		t.Errorf("%d MiB in use", most>>20)
	}
	time.Sleep(2 * feedPeriod)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got, want := <-seen, fmt.Sprint(published, " decisions, 0 losses"); got != want {
		t.Errorf("the one who reads saw %s; want %s", got, want)
	}
	t.Logf("%d published, at most %d MiB, slowest publish %v", published, most>>20, slowest)
}

// TestManyReadersAreNotWokenAtOnce: calls would have to wait for them.
func TestManyReadersAreNotWokenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n, want := range map[int]time.Duration{100: 0, 1000: 200 * time.Millisecond} { // of a tick of 250 ms
			s := &feedSender{feed: newFeed(nil)}
			for range n {
				s.readers[&feedReader{queue: make(chan []byte, 1)}] = struct{}{}
			}
			begin := time.Now()
			s.deliver(t.Context(), []byte("text"))
			if took := time.Since(begin); took > want || took < want*95/100 {
				t.Errorf("%d readers: %v; want %v", n, took, want)
			}
			for r := range s.readers {
				if len(r.queue) != 1 {
					t.Fatalf("%d readers: one was left out", n)
				}
			}
		}
		s := &feedSender{feed: newFeed(nil)}
		for range 1000 {
			s.readers[&feedReader{queue: make(chan []byte, 1)}] = struct{}{}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if s.deliver(ctx, nil); time.Since(begin) != 50*time.Millisecond {
			t.Errorf("it went on for %v", time.Since(begin))
		}
	})
}

// TestManyReadersAreToldLess, but of what is important.
func TestManyReadersAreToldLess(t *testing.T) {
	for readers, want := range map[int]int{1: maxFeedBatchSize, 100: maxFeedBatchSize, 500: 4194, 1000: 4194, 2000: minFeedBatchSize} {
		if got := feedRoom(readers); got != want {
			t.Errorf("%d readers: room for %d bytes; want %d", readers, got, want)
		}
	}
	var b feedBatch
	d := Decision{Kind: "attempt", Error: strings.Repeat("x", 1000)}
	for range 10 {
		if err := b.add(feedDecision{eventDecision, time.Time{}, d}, feedRoom(2000)); err != nil {
			t.Fatal(err)
		}
	}
	d.Transition = &Transition{To: "open"}
	if err := b.add(feedDecision{eventDecision, time.Time{}, d}, feedRoom(2000)); err != nil {
		t.Fatal(err)
	}
	if text := string(b.take(0)); strings.Count(text, "event: decision") != 4 || !strings.Contains(text, `"to":"open"`) || !strings.Contains(text, `{"lost":7}`) {
		t.Errorf("%s", text)
	}
}

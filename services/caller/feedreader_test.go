package caller

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/serve"
)

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

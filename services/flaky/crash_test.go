package flaky

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCrashWithoutAProcess: refused while it lasts, the client under way reset, the admin
// listener there, and back at its time or when something else is in force.
func TestCrashWithoutAProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"latency":{"value":"10s"}}`)
		begin := time.Now()
		see := func(at time.Duration, want string) {
			t.Helper()
			time.Sleep(at - time.Since(begin))
			synctest.Wait()
			if got, _ := r.get(within(t, time.Millisecond)); got != want {
				t.Errorf("at %v: %s; want %s", at, got, want)
			}
		}
		underWay := make(chan string, 1)
		go func() {
			got, after := r.get(context.WithoutCancel(t.Context()))
			underWay <- fmt.Sprint(got, " after ", after)
		}()
		synctest.Wait()
		s := r.faults("PUT", `{"crash":{"after":"2s","back_after":"5s"}}`)
		if !s.DownUntil.IsZero() {
			t.Errorf("down already, until %v", s.DownUntil)
		}
		see(2*time.Second-1, "200")
		see(2*time.Second, "refused")
		if got := <-underWay; got != "reset after 2s" {
			t.Errorf("a request under way: %s", got)
		}
		if got := r.service.read(time.Second).Outcomes[outcomeCrash]; got != 1 {
			t.Errorf("%d outcomes of a crash", got)
		}
		crashed := false
		for _, id := range r.spans.Recent(10) {
			spans, _ := r.spans.Trace(id)
			crashed = crashed || fmt.Sprint(spans[0].Attributes["reliability.faults"]) == "[latency crash]" && spans[0].Error != ""
		}
		if !crashed {
			t.Error("no span tells of the crash")
		}
		if s := r.faults("GET", ""); !s.DownUntil.Equal(begin.Add(7 * time.Second)) {
			t.Errorf("down until %v", s.DownUntil)
		}
		if code, _, _ := r.do("GET", "http://flaky:90/readyz", ""); code != 503 {
			t.Errorf("ready: %d", code)
		}
		see(7*time.Second-1, "refused")
		see(7*time.Second, "200")
		see(time.Hour, "200") // once
		for range 3 {         // one crash after the other, without a moment between them
			r.faults("PUT", `{"crash":{"after":"0s"}}`)
			time.Sleep(2 * time.Millisecond)
			see(time.Since(begin), "refused")
		}
		r.faults("DELETE", "")
		see(time.Since(begin), "timeout") // the boot profile's 10 s
	})
}

// TestCrashesBySchedule, in a loop.
func TestCrashesBySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"schedule":[{"for":"10s"},{"for":"4s","crash":{"after":"1s","back_after":"1m"}}],"loop":true}`)
		begin := time.Now()
		for round := range 5 {
			for _, c := range []struct {
				at   time.Duration
				want string
			}{{0, "200"}, {11*time.Second - 1, "200"}, {11 * time.Second, "refused"}, {14*time.Second - 1, "refused"}} {
				time.Sleep(time.Duration(round)*14*time.Second + c.at - time.Since(begin))
				synctest.Wait()
				if got, _ := r.get(context.WithoutCancel(t.Context())); got != c.want {
					t.Errorf("round %d at %v: %s; want %s", round, c.at, got, c.want)
				}
			}
		}
	})
}

// TestCrashOfAProcess: with the exit code, once, and not before its time.
func TestCrashOfAProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exits := make(chan string, 10)
		begin := time.Now()
		r := run(t, `{}`, func(c *Config) {
			c.Exit = func(code int) { exits <- fmt.Sprintf("%d after %v", code, time.Since(begin)) }
		})
		r.faults("PUT", `{"crash":{"exit_code":3}}`)
		time.Sleep(time.Minute)
		if got := <-exits; got != "3 after 100ms" || len(exits) != 0 {
			t.Errorf("exited with %s, and %d times more", got, len(exits))
		}
	})
}

// TestCrashInRealTime: where a moment is past before anybody looks, as it never is in a
// bubble.
func TestCrashInRealTime(t *testing.T) {
	look := func(addr string) bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	until := func(what string, done func() bool) {
		t.Helper()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		limit := time.After(10 * time.Second)
		for !done() {
			select {
			case <-tick.C:
			case <-limit:
				t.Fatal(what)
			}
		}
	}
	addr, _ := serveOn(t, nil, `{"crash":{"after":"0s","back_after":"300ms"}}`)
	until("it does not crash at once", func() bool { return !look(addr) })
	until("it does not come back", func() bool { return look(addr) })
	// An outage shorter than it takes to make one.
	addr, _ = serveOn(t, nil, `{"schedule":[{"for":"20ms","crash":{"after":"19900us"}}],"loop":true}`)
	up := 0
	until("it is always down", func() bool {
		if look(addr) {
			up++
		}
		return up > 20
	})
}

// TestADocumentThatIsGoneEndsNothing, even at the moment of its crash.
func TestADocumentThatIsGoneEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var exits atomic.Int64
		r := run(t, `{}`, func(c *Config) { c.Exit = func(int) { exits.Add(1) } })
		for range 50 {
			r.service.apply(parse(t, `{"crash":{"after":"1s"}}`), sourceAPI)
			synctest.Wait()
			time.Sleep(time.Second - 1)
			before := exits.Load()
			time.Sleep(1)
			r.service.apply(Document{}, sourceAPI)
			now := exits.Load() // those that came first
			synctest.Wait()
			if got := exits.Load(); got != now || got > before+1 {
				t.Fatalf("%d exits after something else was in force", got-now)
			}
		}
	})
}

// TestWhatACrashCutsOff is told apart from what clients leave, at every stage.
func TestWhatACrashCutsOff(t *testing.T) {
	for _, document := range []string{
		`{"latency":{"value":"1m"},%s}`, `{"hang":{"rate":1},%s}`, `{"drip":{"rate":1,"over":"1m"},%s}`,
		`{"capacity":{"workers":1,"service_time":{"value":"1m"}},%s}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, fmt.Sprintf(document, `"crash":{"after":"1s"}`))
			if got, after := r.get(context.WithoutCancel(t.Context())); !strings.HasSuffix(got, "reset") || after != time.Second {
				t.Errorf("%s: %s after %v", document, got, after)
			}
			synctest.Wait()
			if diff := cmp.Diff(map[outcome]uint64{outcomeCrash: 1}, r.service.read(time.Second).Outcomes); diff != "" {
				t.Errorf("%s: outcomes, -want +got:\n%s", document, diff)
			}
			spans, _ := r.spans.Trace(r.spans.Recent(1)[0])
			if met := fmt.Sprint(spans[0].Attributes["reliability.faults"]); !strings.HasSuffix(met, "crash]") || spans[0].Error == "" {
				t.Errorf("%s: span met %s, error %q", document, met, spans[0].Error)
			}
		})
	}
}

package caller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// offBeat is after the replicas were asked: a change at that very moment may be seen by half.
const offBeat = faultsPeriod / 4

// runWithFlaky starts caller and replicas of flaky, at flaky-1, flaky-2 and so on.
func runWithFlaky(t *testing.T, n int) (*world, []*fakeReplica) {
	t.Helper()
	w := run(t, "CALLER_FLAKY_ADMIN_URL=http://flaky.test:90")
	w.hosts = map[string][]string{}
	var replicas []*fakeReplica
	for i := range n {
		host := fmt.Sprint("flaky-", i+1)
		f := &fakeReplica{ServedBy: host, Profile: "healthy", BootHealthy: true, Source: "boot", Since: time.Now(), Faults: json.RawMessage(`{}`)}
		w.hosts["flaky.test"] = append(w.hosts["flaky.test"], host)
		w.serve(host+":90", f.ServeHTTP)
		replicas = append(replicas, f)
	}
	return w, replicas
}

// faultsNow is what GET /api/faults answers, in one line.
func (w *world) faultsNow() string {
	w.Helper()
	var answer json.RawMessage
	w.ask("GET", "/api/faults", "", &answer)
	return text(w.T, answer)
}

// toFlaky changes a replica without caller.
func (w *world) toFlaky(host, document string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPut, "http://"+host+":90/faults", strings.NewReader(document))
	if err != nil {
		w.Fatal(err)
	}
	if res, body := w.do(req); res.StatusCode != http.StatusOK {
		w.Fatalf("%s %s", res.Status, body)
	}
}

func faultsOf(events []event) (told []string) {
	for _, e := range events {
		if e.kind == eventFaults {
			told = append(told, e.data)
		}
	}
	return told
}

// TestFaultsThatOthersChange are told of within a second, once, as GET /api/faults has them.
func TestFaultsThatOthersChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, flaky := runWithFlaky(t, 2)
		time.Sleep(10 * time.Second)
		if n := flaky[0].asked.Load(); n != 0 {
			t.Errorf("asked %d times although nobody watches", n)
		}
		stop := w.watch()
		time.Sleep(time.Second + offBeat)
		want := []string{w.faultsNow()}
		for range 3 {
			time.Sleep(time.Second)
		}
		w.toFlaky("flaky-2", `{"error_rate":1}`)
		time.Sleep(time.Second)
		want = append(want, w.faultsNow())
		flaky[0].mu.Lock()
		flaky[0].Phase = json.RawMessage(`{"index":1,"of":2}`) // a schedule goes on by itself
		flaky[0].mu.Unlock()
		time.Sleep(time.Second)
		want = append(want, w.faultsNow())
		w.put("/api/faults", `{"error_rate":0.5}`)
		time.Sleep(2 * feedTick) // at once, by whoever writes here
		want = append(want, w.faultsNow())
		told := faultsOf(stop())
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("-GET /api/faults +event:\n%s", diff)
		}
		if len(told) > 2 && (!strings.Contains(told[1], `"faults":{"error_rate":1}`) || !strings.Contains(told[2], `"phase":{"index":1,"of":2}`)) {
			t.Errorf("told %s", told)
		}
		time.Sleep(time.Second)
		before := flaky[0].asked.Load()
		time.Sleep(10 * time.Second)
		if n := flaky[0].asked.Load() - before; n != 0 {
			t.Errorf("asked %d times although nobody watches any more", n)
		}
		stop = w.watch() // to whom the latest is new
		time.Sleep(time.Second)
		if diff := cmp.Diff(want[3:], faultsOf(stop())); diff != "" {
			t.Errorf("who comes later: -want +got:\n%s", diff)
		}
	})
}

// TestAReplicaThatHangsIsToldOf, and neither calls nor the feed wait for it.
func TestAReplicaThatHangsIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, flaky := runWithFlaky(t, 2)
		w.serve("upstream.test:80", func(http.ResponseWriter, *http.Request) {})
		stop := w.watch()
		time.Sleep(time.Second + offBeat)
		flaky[1].delay.Store(int64(time.Hour))
		w.toFlaky("flaky-1", `{"error_rate":1}`)
		for range 10 {
			begin := time.Now()
			if w.call(""); time.Since(begin) != 0 {
				t.Errorf("a call took %v", time.Since(begin))
			}
			time.Sleep(100 * time.Millisecond)
		}
		events := stop()
		told := faultsOf(events)
		if len(told) != 2 || told[1] != w.faultsNow() || !strings.Contains(told[1], `"status":502`) || !strings.Contains(told[1], `"error_rate":1`) {
			t.Errorf("told %s", told)
		}
		if snapshots := slices.DeleteFunc(events, func(e event) bool { return e.kind != "snapshot" }); len(snapshots) < 8 {
			t.Errorf("%d snapshots in two seconds", len(snapshots))
		}
	})
}

// TestWithoutFaultControlsNothingIsAsked, and nothing told.
func TestWithoutFaultControlsNothingIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := run(t)
		stop := w.watch()
		time.Sleep(5 * time.Second)
		if told := faultsOf(stop()); told != nil {
			t.Errorf("told %s", told)
		}
	})
}

// TestTheSameFailureIsToldOnce, although its text has another port each time.
func TestTheSameFailureIsToldOnce(t *testing.T) {
	failed := func(port int, reason error) error {
		return &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: port}, Addr: &net.TCPAddr{Port: 90}, Err: reason}
	}
	one := func(err error) string {
		return withoutNoise([]Replica{{Address: "a", Error: err.Error(), failure: failureKind(err)}}, nil)
	}
	reset, odd := os.NewSyscallError("read", syscall.ECONNRESET), errors.New("odd")
	if one(failed(1, reset)) != one(failed(2, reset)) || one(failed(1, odd)) != one(failed(2, odd)) {
		t.Error("the port counts")
	}
	all := []string{one(failed(1, reset)), one(failed(1, odd)), one(odd), withoutNoise([]Replica{{Address: "a"}}, nil), withoutNoise(nil, odd)}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 5 {
		t.Errorf("of 5 failures %d are told apart", n)
	}
}

// TestFaultsAreNeverLost: however much there is to tell beside them.
func TestFaultsAreNeverLost(t *testing.T) {
	var b feedBatch
	for range maxFeedBatch {
		if err := b.add(feedDecision{kind: eventDecision, v: Decision{}}, maxFeedBatchSize); err != nil {
			t.Fatal(err)
		}
	}
	long := faultsEvent{strings.Repeat("x", 2*maxFeedBatchSize)}
	if err := b.add(feedDecision{kind: eventFaults, v: long}, minFeedBatchSize); err != nil || b.lost != 0 {
		t.Fatalf("lost %d, %v", b.lost, err)
	}
	if told := string(b.take(0)); strings.Count(told, "event: faults") != 1 {
		t.Errorf("%.200s", told)
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(nil)
		f.watching.Store(1)
		for range maxFeedWaiting {
			f.publish(eventDecision, time.Time{}, Decision{})
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		told := make(chan bool, 2)
		tell := func() {
			f.tell(ctx, eventFaults, faultsEvent{})
			told <- true
		}
		go tell()
		synctest.Wait()
		<-f.decisions
		<-told // there was room
		go tell()
		synctest.Wait()
		if len(told) != 0 || f.lost.Load() != 0 {
			t.Errorf("%d told, %d lost", len(told), f.lost.Load())
		}
		cancel()
		<-told // it does not wait for ever
	})
}

// TestFaultsFoundBeforeTheFirstSnapshot follow it.
func TestFaultsFoundBeforeTheFirstSnapshot(t *testing.T) {
	s := &feedSender{feed: newFeed(func() any { return struct{}{} }), timer: time.NewTimer(time.Hour)}
	defer s.timer.Stop()
	r := &feedReader{queue: make(chan []byte, 2)}
	if refusal := s.join(r); refusal != "" {
		t.Fatal(refusal)
	}
	s.take(feedDecision{kind: eventFaults, v: faultsEvent{struct{}{}}})
	s.deliver(t.Context(), s.batch.take(0))
	var told string
	for len(r.queue) > 0 {
		told += string(<-r.queue)
	}
	if snapshot, faults := strings.Index(told, "event: snapshot"), strings.Index(told, "event: faults"); snapshot < 0 || faults < snapshot {
		t.Errorf("%s", told)
	}
}

package caller

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
		if log := w.log.String(); strings.Count(log, "\n") != 3 || !strings.Contains(log, "feedbatch_test.go") {
			t.Errorf("logged:\n%s", log)
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

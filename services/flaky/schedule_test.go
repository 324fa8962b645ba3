package flaky

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestScheduleToTheNanosecond(t *testing.T) {
	const s = time.Second
	for _, loop := range []bool{false, true} {
		d := parse(t, fmt.Sprintf(`{"schedule":[{"for":"10s"},{"for":"5s","error_rate":1},{"for":"1s","unready":true}],"loop":%v}`, loop))
		at := func(elapsed time.Duration) string {
			e := d.episodeAt(elapsed)
			return fmt.Sprintf("%d of round %d, %v to %v, error %v, unready %v", e.index, e.number/3, e.begins, e.ends, e.faults.ErrorRate, e.faults.Unready)
		}
		want := map[time.Duration]string{
			0: "0 of round 0, 0s to 10s, error 0, unready false", 10*s - 1: "0 of round 0, 0s to 10s, error 0, unready false",
			10 * s: "1 of round 0, 10s to 15s, error 1, unready false", 15*s - 1: "1 of round 0, 10s to 15s, error 1, unready false",
			15 * s: "2 of round 0, 15s to 16s, error 0, unready true", 16*s - 1: "2 of round 0, 15s to 16s, error 0, unready true",
		}
		if loop {
			want[16*s] = "0 of round 1, 16s to 26s, error 0, unready false"
			want[16*s*1000+12*s] = "1 of round 1000, 4h26m50s to 4h26m55s, error 1, unready false"
		} else {
			want[16*s] = "-1 of round 1, 16s to 0s, error 0, unready false"
			want[1000*s] = want[16*s]
		}
		for elapsed, want := range want {
			if got := at(elapsed); got != want {
				t.Errorf("loop %v, at %v: %s; want %s", loop, elapsed, got, want)
			}
		}
	}
}

// TestOutages: those that come by crash, from wherever one looks.
func TestOutages(t *testing.T) {
	once := parse(t, `{"crash":{"after":"1s","back_after":"5s"}}`)
	loop := parse(t, `{"schedule":[{"for":"10s"},{"for":"3s","crash":{"after":"1s","back_after":"5s"}}],"loop":true}`)
	then := parse(t, `{"schedule":[{"for":"10s"}],"crash":{"after":"0s","back_after":"5s"}}`)
	const s = time.Second
	for _, c := range []struct {
		d    Document
		at   time.Duration
		want string
	}{
		{once, 0, "1s to 6s"}, {once, s, "1s to 6s"}, {once, 6*s - 1, "1s to 6s"}, {once, 6 * s, "none"},
		{loop, 0, "11s to 13s"}, {loop, 12 * s, "11s to 13s"}, {loop, 13 * s, "24s to 26s"}, {loop, 13*s*100 + 12*s, "21m51s to 21m53s"},
		{then, 0, "10s to 15s"}, {then, 14 * s, "10s to 15s"}, {then, 15 * s, "none"}, {Document{}, 0, "none"},
	} {
		got := "none"
		if from, to, crash := c.d.outageAt(c.at); crash != nil {
			got = fmt.Sprint(from, " to ", to)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("at %v: -want +got\n%s", c.at, diff)
		}
	}
}

// TestEpisodesDoNotGoBack: what fail_first counts begins with each phase, once.
func TestEpisodesDoNotGoBack(t *testing.T) {
	begin := time.Now()
	p := &profile{Document: parse(t, `{"schedule":[{"for":"1s","fail_first":{"count":1}},{"for":"1s"}],"loop":true}`), since: begin}
	first := p.episode(begin)
	if p.episode(begin.Add(time.Second-1)) != first {
		t.Error("one phase, two episodes")
	}
	second := p.episode(begin.Add(time.Second))
	if second == first || p.episode(begin) != second {
		t.Error("a request that was decided late went back to the phase before")
	}
	if third := p.episode(begin.Add(2 * time.Second)); third == first || third.index != 0 || third.number != 2 {
		t.Errorf("the second round: %+v", third)
	}
}

package resiliencehttp_test

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	rh "reliability/pkg/resilience/resiliencehttp"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(1994, time.November, 6, 8, 49, 37, 0, time.UTC)
	for _, c := range []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"0", 0, true},
		{"120", 2 * time.Minute, true},
		{"007", 7 * time.Second, true},
		{" 3\t", 3 * time.Second, true},
		{"9223372036", 9223372036 * time.Second, true},            // the last one a Duration can hold
		{"9223372037", math.MaxInt64, true},                       // the first one it cannot
		{"1000000000000000000", math.MaxInt64, true},              // would overflow in nanoseconds
		{"99999999999999999999999999999999", math.MaxInt64, true}, // and in int64

		{"Sun, 06 Nov 1994 08:49:40 GMT", 3 * time.Second, true},  // IMF-fixdate
		{"Sunday, 06-Nov-94 08:49:40 GMT", 3 * time.Second, true}, // RFC 850
		{"Sun Nov  6 08:49:40 1994", 3 * time.Second, true},       // asctime
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0, true},                // now
		{"Sun, 06 Nov 1994 08:00:00 GMT", 0, true},                // past
		{"Fri, 31 Dec 9999 23:59:59 GMT", math.MaxInt64, true},

		{value: ""}, {value: " "}, {value: "-1"}, {value: "+1"}, {value: "1.5"}, {value: "1e3"}, {value: "0x10"},
		{value: "1_000"}, {value: "1 2"}, {value: "soon"}, {value: "٣"}, {value: "1994-11-06T08:49:40Z"}, {value: "3s"},
	} {
		if got, ok := rh.ParseRetryAfter(c.value, now); got != c.want || ok != c.ok {
			t.Errorf("ParseRetryAfter(%q) = %v, %v; want %v, %v", c.value, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		now := time.Unix(unix%(1<<40), 0)
		wait, ok := rh.ParseRetryAfter(value, now)
		if wait < 0 || !ok && wait != 0 {
			t.Fatalf("ParseRetryAfter(%q) = %v, %v", value, wait, ok)
		}
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			want := time.Duration(math.MaxInt64)
			if n <= math.MaxInt64/uint64(time.Second) {
				want = time.Duration(n) * time.Second
			}
			if !ok || wait != want {
				t.Fatalf("%d seconds are %v, %v; want %v", n, wait, ok, want)
			}
		}
		if !ok {
			return
		}
		// What was understood can be said again in seconds.
		seconds := int64(wait / time.Second)
		if again, ok := rh.ParseRetryAfter(strconv.FormatInt(seconds, 10), now); !ok || again != time.Duration(seconds)*time.Second {
			t.Fatalf("%q is %v, of which the whole seconds are %v, %v", value, wait, again, ok)
		}
		// And as a date, where the header's form can say it.
		if at := now.UTC().Add(wait); seconds < 1<<30 && at.Year() >= 0 && at.Year() <= 9999 {
			if again, ok := rh.ParseRetryAfter(at.Format(http.TimeFormat), now); !ok || again != wait {
				t.Fatalf("%q is %v, as a date %v, %v", value, wait, again, ok)
			}
		}
	})
}

package resiliencehttp_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	rh "reliability/pkg/resilience/resiliencehttp"
)

func TestDefaultClassify(t *testing.T) {
	failed := map[int]bool{408: true, 425: true, 429: true}
	for code := 500; code < 600; code++ {
		failed[code] = code != 501 && code != 505
	}
	for code := 100; code < 1000; code++ {
		err := rh.DefaultClassify(&http.Response{StatusCode: code, Header: http.Header{}})
		status, ok := errors.AsType[*rh.StatusError](err)
		if ok != (failed[code] || code >= 600) || ok && status.StatusCode != code || !ok && err != nil {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestStatusError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		header := func(pairs ...string) http.Header {
			h := http.Header{}
			for i := 0; i < len(pairs); i += 2 {
				h.Set(pairs[i], pairs[i+1])
			}
			return h
		}
		date := func(d time.Duration) string { return now.UTC().Add(d).Format(http.TimeFormat) }
		for _, c := range []struct {
			header http.Header
			want   time.Duration
			text   string
		}{
			{header(), 0, "resiliencehttp: answered 503 Service Unavailable"},
			{header("Retry-After", "rubbish"), 0, "resiliencehttp: answered 503 Service Unavailable"},
			{header("Retry-After", "3"), 3 * time.Second, "resiliencehttp: answered 503 Service Unavailable, retry not before " +
				now.Add(3*time.Second).Format(time.RFC3339Nano)},
			{header("Retry-After", date(5*time.Second)), 5 * time.Second, ""},
			// The server's clock is an hour ahead, which its Date reveals.
			{header("Retry-After", date(time.Hour+5*time.Second), "Date", date(time.Hour)), 5 * time.Second, ""},
			{header("Retry-After", date(-time.Hour)), 0, ""},
		} {
			e := rh.NewStatusError(&http.Response{StatusCode: 503, Header: c.header})
			if got := e.RetryAfter(); got != c.want {
				t.Errorf("%v: retry after %v; want %v", c.header, got, c.want)
			}
			if c.text != "" && e.Error() != c.text {
				t.Errorf("%v: %v; want %s", c.header, e, c.text)
			}
		}
		e := rh.NewStatusError(&http.Response{StatusCode: 429, Status: "429 Slow down", Header: header("Retry-After", "3")})
		time.Sleep(2 * time.Second)
		if got := e.RetryAfter(); got != time.Second || e.Status != "429 Slow down" {
			t.Errorf("2 s later: retry %q after %v; want 1s", e.Status, got)
		}
		time.Sleep(2 * time.Second)
		if got := e.RetryAfter(); got != 0 {
			t.Errorf("4 s later: retry after %v; want 0", got)
		}
	})
}

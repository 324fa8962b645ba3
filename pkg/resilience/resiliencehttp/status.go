package resiliencehttp

import (
	"fmt"
	"net/http"
	"time"
)

// A StatusError is an answer that counts as a failed attempt. It is what the policies of
// the chain see; the caller of [Transport.RoundTrip] gets the answer itself.
type StatusError struct {
	StatusCode int
	Status     string    // "503 Service Unavailable"
	RetryAt    time.Time // before which the server does not want to be asked again; zero: it did not say
}

// NewStatusError makes a StatusError of an answer received now, with its Retry-After.
//
// A date in that header is the server's, so it is compared with the server's own Date
// where there is one: clocks that disagree change nothing.
func NewStatusError(res *http.Response) *StatusError {
	e := &StatusError{StatusCode: res.StatusCode, Status: res.Status}
	if e.Status == "" {
		e.Status = fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	now := time.Now()
	serverNow := now
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		serverNow = date
	}
	if wait, ok := ParseRetryAfter(res.Header.Get("Retry-After"), serverNow); ok {
		e.RetryAt = now.Add(wait)
	}
	return e
}

func (e *StatusError) Error() string {
	if e.RetryAt.IsZero() {
		return "resiliencehttp: answered " + e.Status
	}
	return fmt.Sprintf("resiliencehttp: answered %s, retry not before %s", e.Status, e.RetryAt.Format(time.RFC3339Nano))
}

// RetryAfter is how long it is from now until the server wants to be asked again, never
// negative; 0 also where it said nothing. It is the method by which resilience.Retry
// learns of it.
func (e *StatusError) RetryAfter() time.Duration { return max(0, time.Until(e.RetryAt)) }

// DefaultClassify is what [Config.Classify] is when nil: a [*StatusError] for the answers
// that another attempt may better, nil for the others.
//
// Those are 408, 425 and 429, by which a server refuses to work on the request now, and
// 5xx without 501 and 505. A server that does not know a method or a version is well,
// and will not know it at the next attempt either: like 404, that is an answer.
func DefaultClassify(res *http.Response) error {
	switch code := res.StatusCode; code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return NewStatusError(res)
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return nil
	default:
		if code < 500 {
			return nil
		}
		return NewStatusError(res)
	}
}

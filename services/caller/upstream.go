package caller

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/telemetry"
	"reliability/pkg/resilience"
)

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 1 << 20

// resendCount is OpenTelemetry's attribute for attempts after the first, which otelhttp
// never sets.
const resendCount = attribute.Key("http.request.resend_count")

// An upstream is the dependency, as one attempt sees it.
type upstream struct {
	url    *url.URL
	caller string // who asks, as the dependency is told
	client *http.Client
}

func newUpstream(target *url.URL, caller string, tel *telemetry.Telemetry, network Network) *upstream {
	transport := otelhttp.NewTransport(
		&numbered{&http.Transport{
			DialContext: network.DialContext,
			// One connection for each attempt: a kept one pins a client to one replica, and
			// would send a retry to where the first attempt failed.
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		}},
		otelhttp.WithTracerProvider(tel.Tracers), otelhttp.WithMeterProvider(tel.Meters),
		otelhttp.WithPropagators(tel.Propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + cmp.Or(r.URL.Path, "/") }),
	)
	return &upstream{url: target, caller: caller, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// numbered tells span and dependency which attempt a request is. It stands inside
// otelhttp, where the attempt's span is the current one.
type numbered struct{ next http.RoundTripper }

func (n *numbered) RoundTrip(r *http.Request) (*http.Response, error) {
	if attempt := resilience.AttemptNumber(r.Context()); attempt > 1 {
		trace.SpanFromContext(r.Context()).SetAttributes(resendCount.Int(attempt - 1))
	}
	return n.next.RoundTrip(r)
}

// A StatusError is an answer that is a failure.
type StatusError struct {
	Status   int
	ServedBy string // the replica that gave it, if it says
}

func (e *StatusError) Error() string {
	if e.ServedBy == "" {
		return fmt.Sprintf("upstream answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("%s answered %d %s", e.ServedBy, e.Status, http.StatusText(e.Status))
}

// attempt makes one request, reads the whole answer and notes in a what it saw.
// An answer that asking again cannot mend is a permanent error.
func (u *upstream) attempt(ctx context.Context, callID string, a *Attempt) error {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url.String(), nil)
	if err != nil {
		return resilience.Permanent(err)
	}
	req.Header.Set("X-Caller", u.caller)
	req.Header.Set("X-Call-Id", callID)
	req.Header.Set("X-Attempt", strconv.Itoa(resilience.AttemptNumber(ctx)))
	a.Phase = phaseDial
	res, err := u.client.Do(req)
	if connected.Load() {
		a.Phase = phaseResponse
	}
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	a.Status, a.ServedBy = res.StatusCode, res.Header.Get("X-Served-By")
	// Part of the attempt: an answer that breaks off is none.
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)); err != nil {
		return fmt.Errorf("read the answer of %s: %w", u.url.Host, err)
	}
	switch {
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return &StatusError{res.StatusCode, a.ServedBy}
	case res.StatusCode >= 400:
		return resilience.Permanent(&StatusError{res.StatusCode, a.ServedBy})
	}
	a.Phase = "" // nothing failed
	return nil
}

// blame says what an error tells the breaker. An answer that asking again cannot mend is
// the request's fault: the dependency did answer.
func blame(_ context.Context, err error) resilience.Outcome {
	if resilience.IsPermanent(err) {
		return resilience.Success
	}
	return resilience.Failure
}

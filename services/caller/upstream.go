package caller

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/telemetry"
	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resiliencehttp"
)

// Headers by which caller and what it calls understand each other. An upstream that knows
// none of them is called as well.
const (
	headerCaller         = "X-Caller"       // who asks
	headerCallID         = "X-Call-Id"      // the same for all attempts of a call
	headerAttempt        = "X-Attempt"      // from 1
	headerServedBy       = "X-Served-By"    // which replica answered
	headerDeadline       = "X-Deadline-Ms"  // milliseconds for which somebody still waits
	headerDoNotRetry     = "X-Do-Not-Retry" // "true": somebody further out retries
	headerIdempotencyKey = "Idempotency-Key"
)

// deadlineMargin is by how much later than here the dependency is told to stop, so that its
// saying so does not race with the end of the attempt.
const deadlineMargin = 10 * time.Millisecond

// resendCount is OpenTelemetry's attribute for attempts after the first, which otelhttp
// never sets.
const resendCount = attribute.Key("http.request.resend_count")

// attemptPhase is where an attempt without an answer failed, as in [Attempt].
const attemptPhase = attribute.Key("reliability.attempt.phase")

// An upstream is the dependency, as one attempt sees it.
type upstream struct {
	url         *url.URL
	caller      string // who asks, as the dependency is told
	userInfo    string // the header Authorization, of a URL that has user and password
	template    *http.Request
	connections *connections
	transport   http.RoundTripper // no http.Client: nothing is followed, and nothing kept but connections
}

func newUpstream(target *url.URL, caller string, tel *telemetry.Telemetry, network Network) *upstream {
	u := &upstream{url: target, caller: caller, connections: newConnections(network, target.Scheme == "https")}
	u.transport = otelhttp.NewTransport(&numbered{u.connections},
		otelhttp.WithTracerProvider(tel.Tracers), otelhttp.WithMeterProvider(tel.Meters),
		otelhttp.WithPropagators(tel.Propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + cmp.Or(r.URL.Path, "/") }),
	)
	// http.NewRequest would parse the URL anew for each attempt.
	u.template = &http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if user := target.User; user != nil {
		password, _ := user.Password()
		u.userInfo = "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
	}
	return u
}

// numbered tells the span which attempt a request is, and where it failed if no answer came.
// It stands inside otelhttp, where the attempt's span is the current one.
type numbered struct{ next http.RoundTripper }

func (n *numbered) RoundTrip(r *http.Request) (*http.Response, error) {
	if attempt := resilience.AttemptNumber(r.Context()); attempt > 1 {
		trace.SpanFromContext(r.Context()).SetAttributes(resendCount.Int(attempt - 1))
	}
	res, err := n.next.RoundTrip(r)
	if err != nil {
		phase := phaseDial
		if rec, ok := r.Context().Value(recordKey{}).(*record); ok && rec.connected.Load() {
			phase = phaseResponse
		}
		trace.SpanFromContext(r.Context()).SetAttributes(attemptPhase.String(phase))
	}
	return res, err
}

// A StatusError is an answer that is a failure.
type StatusError struct {
	*resiliencehttp.StatusError        // which tells Retry of a Retry-After
	ServedBy                    string // the replica that gave it, if it says
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %s", cmp.Or(e.ServedBy, "upstream"), e.Status)
}

// Unwrap returns the library's part.
func (e *StatusError) Unwrap() error { return e.StatusError }

// A request is what every attempt of one call sends.
type request struct {
	method     string
	path       string // relative to the upstream's URL; "" is that itself
	body       []byte
	key        string // Idempotency-Key
	callID     string
	doNotRetry bool // is passed on
}

// repeatable reports whether sending the request twice is the same as once: RFC 9110
// §9.2.2, or by its key.
func (r *request) repeatable() bool { return r.method == http.MethodGet || r.key != "" }

// attempt sends the request once, reads the whole answer and notes in a what it saw.
func (u *upstream) attempt(ctx context.Context, r *request, rec *record) error {
	a := rec.current()
	rec.connected.Store(false)
	a.Phase = phaseDial
	answer, err := u.exchange(u.request(ctx, r), a)
	if rec.connected.Load() {
		a.Phase = phaseResponse
	}
	if err == nil {
		a.Phase, a.answer = "", answer // nothing failed
		return nil
	}
	if r.key != "" {
		err = &keyedError{err}
	}
	if rec.connected.Load() && !r.repeatable() && !resilience.IsPermanent(err) {
		// The dependency may have done what it was asked, and asking again would do it twice.
		return resilience.Permanent(&unrepeatableError{r.method, err})
	}
	return err
}

// request makes the request of an attempt.
func (u *upstream) request(ctx context.Context, r *request) *http.Request {
	req := u.template.WithContext(ctx)
	req.Method, req.Header = r.method, u.header(ctx, r)
	if r.path != "" {
		req.URL = u.url.ResolveReference(&url.URL{Path: r.path})
	}
	if len(r.body) > 0 {
		req.ContentLength = int64(len(r.body))
		req.Body = io.NopCloser(bytes.NewReader(r.body)) // without a GetBody, see connections
	}
	return req
}

func (u *upstream) header(ctx context.Context, r *request) http.Header {
	const most = 8
	h, values := make(http.Header, most), make([]string, 0, most)
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)] // whoever adds to it leaves the next alone
	}
	set(headerCaller, u.caller)
	set(headerCallID, r.callID)
	set(headerAttempt, strconv.Itoa(resilience.AttemptNumber(ctx)))
	if r.doNotRetry {
		set(headerDoNotRetry, "true")
	}
	if deadline, ok := ctx.Deadline(); ok {
		remains := min(max(0, time.Until(deadline))+deadlineMargin, maxDeadline)
		set(headerDeadline, strconv.FormatInt(remains.Milliseconds(), 10))
	}
	if len(r.body) > 0 {
		set("Content-Type", "application/json")
	}
	if r.key != "" {
		set(headerIdempotencyKey, r.key)
	}
	if u.userInfo != "" {
		set("Authorization", u.userInfo)
	}
	return h
}

// exchange is one request and its whole answer, up to a bound: one that breaks off is none.
func (u *upstream) exchange(req *http.Request, a *Attempt) ([]byte, error) {
	res, err := u.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	a.Status, a.ServedBy = res.StatusCode, shortened(res.Header.Get(headerServedBy))
	if res.StatusCode == http.StatusSwitchingProtocols { // its body is a connection, which has no end
		return nil, resilience.Permanent(statusError(res, a.ServedBy))
	}
	var body bytes.Buffer
	into := io.Discard
	if req.Method != http.MethodGet { // whose answer nobody asks for
		into = &body
	}
	n, err := io.Copy(into, io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode >= 400: // it has said what it has to say, whatever its body does
		failed := statusError(res, a.ServedBy)
		if resiliencehttp.DefaultClassify(res) == nil {
			return nil, resilience.Permanent(failed)
		}
		return nil, failed
	case err != nil:
		return nil, fmt.Errorf("read the answer of %s: %w", u.url.Host, err)
	case n > maxAnswer:
		return nil, nil // an answer all the same, and too much to keep
	}
	return body.Bytes(), nil
}

func statusError(res *http.Response, servedBy string) *StatusError {
	e := &StatusError{resiliencehttp.NewStatusError(res), servedBy}
	e.Status = shortened(e.Status)
	return e
}

// An unrepeatableError is a failure after which the request must not be sent again.
type unrepeatableError struct {
	method string
	err    error
}

func (e *unrepeatableError) Error() string {
	return fmt.Sprintf("not sent again, because %s without an %s may have been done: %v", e.method, headerIdempotencyKey, e.err)
}
func (e *unrepeatableError) Unwrap() error { return e.err }

// A keyedError is what became of a request that had an Idempotency-Key.
type keyedError struct{ error }

func (e *keyedError) Unwrap() error { return e.error }

// retryIf is what is worth another attempt. Naive is also what must not be repeated.
func retryIf(on string) func(context.Context, error) bool {
	if on == retryAll {
		return func(_ context.Context, err error) bool { return !resilience.Rejected(err) }
	}
	return func(_ context.Context, err error) bool { return resilience.Retryable(err) }
}

// blame says what an error tells the breaker. An answer that asking again cannot mend is
// the request's fault: the dependency did answer. What must not be repeated is the
// dependency's all the same.
func blame(_ context.Context, err error) resilience.Outcome {
	if _, unrepeatable := errors.AsType[*unrepeatableError](err); resilience.IsPermanent(err) && !unrepeatable {
		return resilience.Success
	}
	return resilience.Failure
}

// maxName bounds a replica's name, which comes from outside.
const maxName = 100

func shortened(name string) string { return name[:min(len(name), maxName)] }

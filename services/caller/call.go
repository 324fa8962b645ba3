package caller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"reliability/internal/problem"
	"reliability/pkg/resilience"
	"reliability/services/internal/engine"
)

// An Answer says what happened to one call.
type Answer struct {
	Outcome   string       `json:"outcome"` // success, failure, timeout, rejected or canceled
	Engine    string       `json:"engine"`
	CallID    string       `json:"call_id,omitempty"` // by which the dependency knows the call, if the client has named it
	Pipeline  string       `json:"pipeline"`          // the policies that it went through, as a formula
	Policy    int          `json:"policy_version"`    // whose limits they had
	Warnings  []string     `json:"warnings,omitempty"`
	ElapsedMS float64      `json:"elapsed_ms"`
	Attempts  []Attempt    `json:"attempts"`
	Breaker   BreakerState `json:"breaker"` // after the call
	TraceID   string       `json:"trace_id"`
	TraceURL  string       `json:"trace_url,omitempty"` // if somebody keeps the trace
}

// A failure is a problem document with the same members.
type failure struct {
	problem.Document
	Answer
}

// errDeadline is the cause with which a call's context ends at its client's deadline.
var errDeadline = errors.New("the client's deadline, " + headerDeadline + ", has passed")

// call makes one protected call to the dependency.
func (s *Service) call(c *gin.Context) {
	w, bad := wishOf(c.Request)
	if len(bad) > 0 {
		refuse(c, bad...)
		return
	}
	ctx, cancel := w.context(c.Request.Context())
	defer cancel()
	answer, o, _, err := s.protect(ctx, w, request{method: http.MethodGet})
	s.answer(c, o, answer, err)
}

// context is that of a call whose client says how long it waits.
func (w wish) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.deadline == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, w.deadline, errDeadline)
}

// protect makes one call through the pipeline that is wished for, under the policy in
// force, and says what happened. body is that of the dependency's answer.
func (s *Service) protect(ctx context.Context, w wish, r request) (a Answer, o outcome, body []byte, err error) {
	v, x := s.inForce.Load(), s.protection(w.engine)
	pipelines := v.pipelines[x.engine]
	p, order := pipelines.standard, v.policy.Order
	if !w.plain() {
		order = w.applyTo(order)
		if p, err = pipelines.of(order); err != nil { // the policies have been checked one by one
			return Answer{}, outcomeOf(ctx, err), nil, err
		}
	}
	span := trace.SpanContextFromContext(ctx)
	traceID := span.TraceID().String()
	named := w.identity()
	if r.callID = named; named == "" {
		r.callID = traceID + "-" + span.SpanID().String() // a client may make several calls in one trace
	}
	r.doNotRetry = w.doNotRetry || v.policy.Retry.Exclusive && slices.Contains(order, policyRetry)

	x.counts.begin()
	returned := false
	defer func() {
		if !returned { // a panic passes through
			x.counts.abandon()
		}
	}()
	recorded, rec := newRecord(ctx, r.callID)
	err = p.handler(recorded, func(ctx context.Context) error {
		x.counts.send()
		return s.upstream.attempt(ctx, &r, rec)
	})
	returned = true
	elapsed := time.Since(rec.begin)
	if err == nil && len(rec.attempts) > 0 {
		body, rec.current().answer = rec.current().answer, nil
	}
	if o = outcomeOf(ctx, err); o.status == http.StatusTooManyRequests {
		o.retryAfter = nextToken(pipelines.limiter)
	}
	a = Answer{
		Outcome: o.name, Engine: x.engine, CallID: named, Pipeline: p.explain.Order, Policy: v.number,
		Warnings: w.warnings(p.explain), ElapsedMS: milliseconds(elapsed), Attempts: rec.attempts,
		Breaker: x.breakerState(time.Now()), TraceID: traceID, TraceURL: s.traceURL(span),
	}
	x.counts.end(a, err, elapsed)
	s.pods.count(a.Attempts)
	s.ended(a, err)
	return a, o, body, err
}

// nextToken is how long it is until a limiter lets one more through.
func nextToken(l *rate.Limiter) time.Duration {
	return time.Duration((1 - l.Tokens()) / float64(l.Limit()) * float64(time.Second))
}

// warnings are what there is to say against the call's pipeline.
func (w wish) warnings(e resilience.Explanation) []string {
	list := slices.Clone(e.Warnings)
	if w.doNotRetry {
		list = append(list, "retry is off: the request says "+headerDoNotRetry+", because somebody further out retries")
	}
	switch {
	case w.deadline == 0:
	case e.LongestTime == 0:
		list = append(list, fmt.Sprintf("nothing but the client's deadline of %v bounds this call", w.deadline))
	case e.LongestTime > w.deadline:
		list = append(list, fmt.Sprintf("the client's deadline is %v, and a call may take %v", w.deadline, e.LongestTime))
	}
	return list
}

// answer tells the client.
func (s *Service) answer(c *gin.Context, o outcome, a any, err error) {
	engine.SetOutcome(c, s.tel.Logger, o.name)
	if o.retryAfter > 0 || o.status == http.StatusServiceUnavailable || o.status == http.StatusTooManyRequests {
		c.Header("Retry-After", strconv.Itoa(seconds(o.retryAfter)))
	}
	if err == nil {
		problem.WriteJSON(c.Writer, o.status, "application/json", a)
		return
	}
	d := problem.New(o.status, err.Error())
	switch a := a.(type) {
	case Answer:
		problem.WriteJSON(c.Writer, o.status, problem.ContentType, failure{d, a})
	case OrderAnswer:
		problem.WriteJSON(c.Writer, o.status, problem.ContentType, orderFailure{d, a})
	}
}

// traceURL is where a browser finds the trace, if Jaeger is there to show it and this one
// was to be kept.
func (s *Service) traceURL(span trace.SpanContext) string {
	if s.cfg.TraceURL == "" || !span.IsSampled() {
		return ""
	}
	return strings.TrimSuffix(s.cfg.TraceURL, "/") + "/trace/" + span.TraceID().String()
}

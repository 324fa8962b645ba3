package caller

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/problem"
)

// An Answer says what happened to one call.
type Answer struct {
	Outcome   string       `json:"outcome"` // success, failed, timeout, rejected or canceled
	Engine    string       `json:"engine"`
	ElapsedMS float64      `json:"elapsed_ms"`
	Attempts  []Attempt    `json:"attempts"`
	Breaker   BreakerState `json:"breaker"` // after the call
	TraceID   string       `json:"trace_id"`
	TraceURL  string       `json:"trace_url,omitempty"`
}

// A failure is a problem document with the same members.
type failure struct {
	problem.Document
	Answer
}

// call makes one protected call to the dependency.
func (s *Service) call(c *gin.Context) {
	p := s.engine(c.Query("engine"))
	if p == nil {
		field := problem.Field{Field: "engine", Value: c.Query("engine"), Allowed: "handrolled or gobreaker"}
		problem.New(http.StatusBadRequest, field.String(), field).Write(c.Writer)
		return
	}
	ctx := c.Request.Context()
	span := trace.SpanContextFromContext(ctx)
	traceID := span.TraceID().String()
	callID := traceID + "-" + span.SpanID().String() // a client may make several calls in one trace
	rec := &record{begin: time.Now()}
	err := p.handler(context.WithValue(ctx, recordKey{}, rec), func(ctx context.Context) error {
		return s.upstream.attempt(ctx, callID, rec.current())
	})
	answer := Answer{
		Engine: p.engine, ElapsedMS: milliseconds(time.Since(rec.begin)), Attempts: rec.attempts,
		Breaker: breakerState(p.breaker.Stats(), time.Now()), TraceID: traceID, TraceURL: s.traceURL(traceID),
	}
	s.answer(c, answer, err)
}

func (s *Service) answer(c *gin.Context, a Answer, err error) {
	o := outcomeOf(c.Request.Context(), err)
	a.Outcome = o.name
	if a.Attempts == nil {
		a.Attempts = []Attempt{}
	}
	if o.retryAfter > 0 || o.status == http.StatusServiceUnavailable {
		c.Header("Retry-After", strconv.Itoa(seconds(o.retryAfter)))
	}
	if err == nil {
		problem.WriteJSON(c.Writer, o.status, "application/json", a)
		return
	}
	problem.WriteJSON(c.Writer, o.status, problem.ContentType, failure{problem.New(o.status, err.Error()), a})
}

// traceURL is where a browser finds the trace, if Jaeger is there to show it.
func (s *Service) traceURL(traceID string) string {
	if s.cfg.TraceURL == "" {
		return ""
	}
	return strings.TrimSuffix(s.cfg.TraceURL, "/") + "/trace/" + traceID
}

package flaky

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/problem"
	"reliability/services/internal/engine"
)

// faultKey is the span attribute that tells an injected fault from a real one.
const faultKey = attribute.Key("reliability.fault")

// faulty decides what happens to a request, and lets it through if that is nothing.
func (s *Service) faulty(c *gin.Context) {
	d := s.inForce.Load().faults.decide(request{
		call: c.GetHeader("X-Call-Id"), attempt: c.GetHeader("X-Attempt"), arrival: s.arrivals.Add(1),
	})
	ctx := c.Request.Context()
	span := trace.SpanFromContext(ctx)
	if d.delay > 0 {
		span.SetAttributes(faultKey.String("latency"))
		if !sleep(ctx, d.delay) {
			engine.Ended(c)
			return
		}
	}
	if d.status > 0 {
		span.SetAttributes(faultKey.String("error"))
		problem.New(d.status, "injected fault").Write(c.Writer)
		c.Abort()
	}
}

func (s *Service) work(c *gin.Context) {
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", struct {
		Work     string `json:"work"`
		ServedBy string `json:"served_by"`
	}{"done", s.cfg.Name})
}

// sleep waits for d and reports true, or false as soon as ctx is done: nobody waits for
// the answer any more, or the server ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

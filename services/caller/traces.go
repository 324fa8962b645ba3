package caller

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/problem"
	"reliability/internal/telemetry"
)

// recentTraces is how many traces the list shows.
const recentTraces = 50

// TraceAnswer is one trace: its spans by their start, and what was logged in it.
type TraceAnswer struct {
	TraceID string           `json:"trace_id"`
	Spans   []telemetry.Span `json:"spans"`
	Logs    []telemetry.Log  `json:"logs"`
}

// getTraces lists the latest traces, the newest first.
func (s *Service) getTraces(c *gin.Context) {
	list := struct {
		Traces []string `json:"traces"`
	}{[]string{}}
	for _, id := range s.tel.Store.Recent(recentTraces) {
		list.Traces = append(list.Traces, id.String())
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", list)
}

func (s *Service) getTrace(c *gin.Context) {
	id, err := trace.TraceIDFromHex(c.Param("id"))
	if err != nil {
		refuse(c, problem.Field{Field: "id", Value: c.Param("id"), Allowed: "32 hex digits in lower case"})
		return
	}
	spans, ok := s.tel.Store.Trace(id)
	if !ok {
		problem.New(http.StatusNotFound, "no ended span of this trace is in memory; only the latest traces are kept, and those of a breaker's latest transitions").Write(c.Writer)
		return
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", TraceAnswer{id.String(), spans, s.tel.Store.Logs(id)})
}

// traceResponse tells a client which trace its request is part of, and whether that is
// kept: the header of the W3C's Trace Context, level 2.
func traceResponse(c *gin.Context) {
	if span := trace.SpanContextFromContext(c.Request.Context()); span.IsValid() {
		c.Header("traceresponse", "00-"+span.TraceID().String()+"-"+span.SpanID().String()+"-"+(span.TraceFlags()&trace.FlagsSampled).String())
	}
}

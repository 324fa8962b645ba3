// Package engine is what both services' routers have in common: traces, the access log,
// and problem documents instead of Gin's own errors.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/problem"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

// StatusClientGone is what a request is logged with whose client went away before the
// answer. No client ever sees it. The number is nginx's.
const StatusClientGone = 499

// StatusNoAnswer is what a request is logged with whose connection was closed without one.
// No client ever sees it. The number is nginx's, too.
const StatusNoAnswer = 444

// outcomeKey is where a handler leaves a request's outcome for the access log.
const outcomeKey = "outcome"

// SetOutcome leaves a request's outcome for the access log, if that is written.
func SetOutcome(c *gin.Context, logger *slog.Logger, outcome string) {
	if logger.Enabled(c.Request.Context(), slog.LevelDebug) {
		c.Set(outcomeKey, outcome)
	}
}

// Ended answers a request whose context was done before there was an answer.
func Ended(c *gin.Context) {
	if errors.Is(context.Cause(c.Request.Context()), serve.ErrShutdown) {
		problem.New(http.StatusServiceUnavailable, serve.ErrShutdown.Error()).Write(c.Writer)
		c.Abort()
		return
	}
	c.AbortWithStatus(StatusClientGone)
}

// New returns an engine for a public listener. Each request is a server span of the
// service and, at level debug, a line of the access log.
func New(service string, tel *telemetry.Telemetry) *gin.Engine {
	e := bare(tel.Logger)
	e.Use(
		bounded,
		otelgin.Middleware(service, otelgin.WithTracerProvider(tel.Tracers), otelgin.WithMeterProvider(tel.Meters),
			otelgin.WithPropagators(tel.Propagator), otelgin.WithFilter(traced), otelgin.WithGinMetricAttributeFn(inOwnWords)),
		accessLog(tel.Logger), // inside otelgin, which takes the span's context away again
		recovery(tel.Logger),
	)
	return e
}

// Bounds of what a span keeps of a request: clients choose it, and spans stay in memory.
const (
	maxURI       = 4 << 10
	maxUserAgent = 256
)

// bounded refuses what is too long to be kept, before it is.
func bounded(c *gin.Context) {
	if len(c.Request.RequestURI) > maxURI {
		problem.New(http.StatusRequestURITooLong, fmt.Sprintf("path and parameters are %d bytes: must be at most %d", len(c.Request.RequestURI), maxURI)).Write(c.Writer)
		c.Abort()
		return
	}
	if agent := c.Request.UserAgent(); len(agent) > maxUserAgent {
		c.Request.Header.Set("User-Agent", strings.ToValidUTF8(strings.Clone(agent[:maxUserAgent]), ""))
	}
}

// NewAdmin returns an engine for an admin listener: not traced, because probes and
// scrapes would drown everything else.
func NewAdmin(tel *telemetry.Telemetry) *gin.Engine {
	e := bare(tel.Logger)
	e.Use(recovery(tel.Logger))
	return e
}

func bare(logger *slog.Logger) *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // else Gin's banner is the first thing on the screen
	e := gin.New()
	if err := e.SetTrustedProxies(nil); err != nil {
		logger.Error("no trusted proxies", "error", err)
	}
	e.HandleMethodNotAllowed = true
	e.NoRoute(func(c *gin.Context) {
		problem.New(http.StatusNotFound, "there is nothing at "+c.Request.URL.Path).Write(c.Writer)
	})
	e.NoMethod(func(c *gin.Context) {
		problem.New(http.StatusMethodNotAllowed, fmt.Sprintf("%s is not allowed at %s", c.Request.Method, c.Request.URL.Path)).Write(c.Writer)
	})
	return e
}

// traced leaves out what the page asks for all the time: its questions would push the
// traces of the calls it asks about out of memory.
func traced(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/api/") }

// inOwnWords lets a span's error be what the handler said. otelgin takes the text from Gin,
// which numbers and breaks lines for a screen, and leaves no place to choose another but this
// one, where it asks for attributes of its metrics. There are none.
func inOwnWords(c *gin.Context) []attribute.KeyValue {
	if len(c.Errors) > 0 {
		trace.SpanFromContext(c.Request.Context()).SetStatus(codes.Error, strings.Join(c.Errors.Errors(), "; "))
	}
	return nil
}

func accessLog(logger *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		if !logger.Enabled(ctx, slog.LevelDebug) {
			c.Next()
			return
		}
		begin := time.Now()
		c.Next()
		attrs := []slog.Attr{
			slog.String("method", c.Request.Method), slog.String("path", c.Request.URL.Path),
			slog.Int("status", c.Writer.Status()), slog.Duration("duration", time.Since(begin)),
		}
		if outcome := c.GetString(outcomeKey); outcome != "" {
			attrs = append(attrs, slog.String("outcome", outcome))
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
	}
}

// recovery answers 500 where a handler panicked, and logs the stack.
func recovery(logger *slog.Logger) gin.HandlerFunc {
	return gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, what any) {
		logger.ErrorContext(c.Request.Context(), "panic", "panic", fmt.Sprint(what), "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			problem.New(http.StatusInternalServerError, "this request met a bug of the service; its log says more").Write(c.Writer)
		}
		c.Abort()
	})
}

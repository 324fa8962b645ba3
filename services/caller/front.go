package caller

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"reliability/internal/problem"
	"reliability/internal/telemetry"
	"reliability/pkg/resilience"
	"reliability/pkg/resilience/resilienceotel"
	"reliability/services/internal/engine"
)

// A front protects caller from its own clients, by the same library: so many at once, so
// many a second. The calls that caller makes by itself do not pass it.
type front struct {
	handler resilience.Handler
	running *resilience.Compartment
	logger  *slog.Logger
	every   time.Duration // between requests at the limit; 0: there is none

	limited, full atomic.Uint64
}

// FrontState says how many clients were turned away before their call began.
type FrontState struct {
	Running     int    `json:"running"`
	MaxInFlight int    `json:"max_in_flight"`
	Full        uint64 `json:"full"`    // turned away because so many were running
	Limited     uint64 `json:"limited"` // because they came too fast
}

func newFront(cfg Config, tel *telemetry.Telemetry) (*front, error) {
	observer, err := resilienceotel.NewObserver(resilienceotel.Config{Logger: tel.Logger, MeterProvider: tel.Meters})
	if err != nil {
		return nil, err
	}
	const name = "front"
	f := &front{logger: tel.Logger}
	f.running, err = resilience.NewCompartment(resilience.CompartmentConfig{Name: name, MaxConcurrent: cfg.MaxInFlight, Observer: observer})
	if err != nil {
		return nil, err
	}
	observer.WatchCompartment(f.running)
	policies := []resilience.Policy{resilience.Bulkhead(f.running)}
	if cfg.RateLimit > 0 {
		f.every = time.Duration(float64(time.Second) / cfg.RateLimit)
		policies = append([]resilience.Policy{resilience.RateLimit(resilience.RateLimitConfig{
			Name: name, Limiter: rate.NewLimiter(rate.Limit(cfg.RateLimit), cfg.RateBurst), Observer: observer,
		})}, policies...)
	}
	f.handler, err = resilience.Chain(policies...)
	return f, err
}

// admit lets a request through or answers it: 429 for one that comes too fast, 503 where
// too many are under way.
func (f *front) admit(c *gin.Context) {
	err := f.handler(c.Request.Context(), func(context.Context) error {
		c.Next()
		return nil
	})
	if err == nil {
		return
	}
	c.Abort()
	engine.SetOutcome(c, f.logger, outcomeRejected)
	status, wait := http.StatusServiceUnavailable, time.Second
	if _, limited := errors.AsType[*resilience.RateLimitError](err); limited {
		f.limited.Add(1)
		status, wait = http.StatusTooManyRequests, f.every
	} else {
		f.full.Add(1)
	}
	c.Header("Retry-After", strconv.Itoa(seconds(wait)))
	problem.New(status, "caller protects itself: "+err.Error()).Write(c.Writer)
}

func (f *front) state() FrontState {
	stats := f.running.Stats()
	return FrontState{Running: stats.Running, MaxInFlight: stats.MaxConcurrent, Full: f.full.Load(), Limited: f.limited.Load()}
}

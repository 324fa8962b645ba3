package flaky

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"reliability/internal/document"
	"reliability/internal/problem"
	"reliability/internal/serve"
	"reliability/services/internal/engine"
)

// Attributes of a server span that tell injected faults from real ones.
const (
	faultsKey = attribute.Key("reliability.faults")           // the names of those that the request met
	delayKey  = attribute.Key("reliability.fault.delay")      // seconds of latency
	queueKey  = attribute.Key("reliability.fault.queue_wait") // seconds before a worker was free
)

// An answer is what a handler says. What sends it decides how much of it arrives.
type answer struct {
	status      int
	contentType string
	header      map[string]string
	body        []byte
}

func problemAnswer(d problem.Document) answer {
	return answer{status: d.Status, contentType: problem.ContentType, body: problem.Encode(d)}
}

// An exchange is one request on its way through the faults.
type exchange struct {
	s *Service
	c *gin.Context
	decision
	met []string // faults
}

// faulty lets a request meet its faults, before and after the work.
func (s *Service) faulty(route string, work func(r *http.Request, body []byte) answer) gin.HandlerFunc {
	return func(c *gin.Context) {
		arrived := time.Now()
		leave := s.stats.arrive(callerOf(c.Request), arrived)
		outcome := outcomeError // of a panic
		x := &exchange{s: s, c: c}
		defer func() {
			leave(outcome)
			if len(x.met) > 0 {
				trace.SpanFromContext(c.Request.Context()).SetAttributes(faultsKey.StringSlice(x.met))
			}
		}()
		limit, wrong := patience(c.Request.Header)
		if wrong != nil {
			outcome = outcomeRefused
			problem.New(http.StatusBadRequest, wrong.String(), *wrong).Write(c.Writer)
			return
		}
		// Before any fault: net/http notices that a client has gone only when it has sent all.
		body, ok := document.Body(c.Writer, c.Request)
		if !ok {
			if outcome = outcomeRefused; c.Request.Context().Err() != nil {
				outcome = x.gone()
			}
			return
		}
		p := s.inForce.Load()
		e := s.pool.configure(p, time.Now())
		x.decision = e.decide(p.Seed, request{
			route: route,
			call:  c.GetHeader("X-Call-Id"), attempt: c.GetHeader("X-Attempt"),
			key: c.GetHeader("Idempotency-Key"), arrival: p.arrivals.Add(1),
		})
		// Of a request that waits for nothing a deadline is only a cost.
		if limit > 0 && x.waits() {
			ctx, cancel := context.WithDeadlineCause(c.Request.Context(), arrived.Add(limit), errDeadline)
			defer cancel()
			c.Request = c.Request.WithContext(ctx)
		}
		outcome = x.run(func() answer { return work(c.Request, body) })
	}
}

// run is the order in which a request meets its faults.
func (x *exchange) run(work func() answer) outcome {
	if x.latency > 0 {
		x.meet(faultLatency, delayKey.Float64(x.latency.Seconds()))
		if !x.wait(x.latency, x.s.cfg.Grace, true) {
			return x.cutOff()
		}
	}
	late := x.AfterWork || x.ending == faultReset && x.Reset.At == atBody
	if x.ending != "" && !late {
		return x.end(answer{})
	}
	a, failed := x.work(work)
	switch {
	case failed != "":
		return failed
	case x.ending != "" && late:
		return x.end(a)
	}
	return x.send(a)
}

// work does it, in a worker where the capacity is bounded. The outcome is "" if it was done.
func (x *exchange) work(work func() answer) (answer, outcome) {
	if x.Capacity == nil {
		return work(), ""
	}
	e, waited := x.s.pool.enter(x.c.Request.Context())
	if waited > 0 {
		trace.SpanFromContext(x.c.Request.Context()).SetAttributes(queueKey.Float64(waited.Seconds()))
	}
	switch e {
	case overload:
		x.meet(faultOverload)
		return answer{}, x.refuse(http.StatusServiceUnavailable, "injected overload: the queue is full", outcomeOverload)
	case ended:
		return answer{}, x.cutOff()
	}
	defer x.s.pool.leave()
	if !x.wait(x.serviceTime(), x.s.cfg.Grace, x.Capacity.DropAbandoned) {
		return answer{}, x.cutOff()
	}
	return work(), ""
}

// serviceTime is how long the work takes that begins now: a server that is slow, or not any
// more, is so for whoever has waited as well. Where nothing bounds the work any more, nothing
// says how long it takes either, and what was said before holds.
func (x *exchange) serviceTime() time.Duration {
	capacity := x.Capacity
	if now := x.s.inForce.Load().episode(time.Now()).faults.Capacity; now != nil {
		capacity = now
	}
	return capacity.ServiceTime.at(x.served)
}

// end lets an ending take the place of the answer a.
func (x *exchange) end(a answer) outcome {
	x.meet(x.ending)
	switch x.ending {
	case faultReset:
		if x.Reset.At == atBody {
			x.sendHalf(a)
		}
		x.hangUp(true)
		return outcomeReset
	case faultHang:
		if x.wait(time.Duration(x.Hang.Cap), 0, true) { // its cap is not worth waiting for at the end
			x.hangUp(false)
			return outcomeHang
		}
		if out := x.cutOff(); out != outcomeAbandoned {
			return out
		}
		return outcomeHang
	}
	return x.refuse(x.ErrorStatus, "injected fault", outcomeError)
}

func (x *exchange) refuse(status int, detail string, out outcome) outcome {
	a := problemAnswer(problem.New(status, detail))
	if after := time.Duration(x.RetryAfter); after > 0 {
		a.header = map[string]string{"Retry-After": strconv.Itoa(int(after.Seconds()))}
	}
	if sent := x.send(a); sent != outcomeRefused && sent != outcomeError { // truncated, or nobody there
		return sent
	}
	return out
}

// cutOff answers a request that was not waited for to the end, if anybody can hear it.
func (x *exchange) cutOff() outcome {
	out := x.gone()
	switch out {
	case outcomeDeadline:
		problem.New(http.StatusGatewayTimeout, errDeadline.Error()).Write(x.c.Writer)
		x.c.Abort()
	case outcomeShutdown:
		problem.New(http.StatusServiceUnavailable, serve.ErrShutdown.Error()).Write(x.c.Writer)
		x.c.Abort()
	case outcomeCrash:
		x.c.AbortWithStatus(engine.StatusNoAnswer)
	default:
		x.c.AbortWithStatus(engine.StatusClientGone)
	}
	return out
}

// gone says who ended a request before its answer was sent: a crash, the client's deadline,
// the server's end or the client.
func (x *exchange) gone() outcome {
	ctx := x.c.Request.Context()
	life := serve.LifeOf(ctx)
	over, stopping := closed(life.Over), closed(life.Stopping)
	switch {
	case over && !stopping:
		x.meet(faultCrash)
		x.fail(injected(faultCrash))
		return outcomeCrash
	case x.late():
		x.fail(errDeadline)
		return outcomeDeadline
	case over, stopping && ctx.Err() == nil:
		return outcomeShutdown
	}
	x.fail(errors.New("the client did not wait for the answer"))
	return outcomeAbandoned
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// meet notes that the request met a fault.
func (x *exchange) meet(fault string, attributes ...attribute.KeyValue) {
	x.met = append(x.met, fault)
	if len(attributes) > 0 {
		trace.SpanFromContext(x.c.Request.Context()).SetAttributes(attributes...)
	}
}

// fail makes the span an error that no status shows.
func (x *exchange) fail(err error) { _ = x.c.Error(err) }

// An injected error is a fault that the client sees as something else than a status.
type injected string

func (e injected) Error() string { return fmt.Sprintf("injected fault: %s", string(e)) }

// wait waits for d and reports true, or false when it is no use any more: the server has
// stopped and what is left of d is more than the patience it then has; or it ends the calls;
// or, for those who care, the client has gone or its deadline has passed.
func (x *exchange) wait(d, patience time.Duration, cares bool) bool {
	ctx := x.c.Request.Context()
	life, gone := serve.LifeOf(ctx), ctx.Done()
	if !cares {
		gone = nil
	}
	end := time.Now().Add(d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return !cares || !x.late()
		case <-gone:
			return false
		case <-life.Over:
			return false
		case <-life.Stopping:
			if time.Until(end) > patience {
				return false
			}
			life.Stopping = nil
		}
	}
}

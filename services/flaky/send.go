package flaky

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"reliability/services/internal/engine"
)

// send answers with a, or with as much of it as truncate and drip let through; after the
// client's deadline only with that.
func (x *exchange) send(a answer) outcome {
	if x.late() {
		return x.cutOff()
	}
	body := a.body
	if x.truncate {
		x.meet(faultTruncate)
		x.fail(injected(faultTruncate))
		body = body[:len(body)/2] // after which net/http closes the connection
	}
	x.header(a)
	switch {
	case x.drip:
		x.meet(faultDrip)
		if !x.sendSlowly(body) {
			out := x.gone()
			if out == outcomeShutdown || out == outcomeDeadline {
				x.fail(injected(faultDrip)) // its client sees the answer break off
			}
			return out
		}
	default:
		_, _ = x.c.Writer.Write(body)                                                                      // the client may be gone; nobody is left to tell
		if cause := context.Cause(x.c.Request.Context()); cause != nil && !errors.Is(cause, errDeadline) { // which came after the answer
			return x.gone()
		}
	}
	switch {
	case x.truncate:
		return outcomeTruncate
	case a.status >= 500:
		return outcomeError
	case a.status >= 400:
		return outcomeRefused
	}
	return outcomeOK
}

func (x *exchange) header(a answer) {
	h := x.c.Writer.Header()
	for name, value := range a.header {
		h.Set(name, value)
	}
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	x.c.Writer.WriteHeader(a.status)
}

// sendHalf sends the header, which promises the whole body, and half of that, at once.
func (x *exchange) sendHalf(a answer) {
	x.header(a)
	_, _ = x.c.Writer.Write(a.body[:len(a.body)/2])
	x.c.Writer.Flush()
}

// sendSlowly spreads the body's bytes evenly over the drip's time, the last one at its end.
func (x *exchange) sendSlowly(body []byte) bool {
	begin, over := time.Now(), time.Duration(x.Drip.Over)
	for i := range body {
		due := begin.Add(over * time.Duration(i+1) / time.Duration(len(body)))
		if !x.wait(time.Until(due), x.s.cfg.Grace, true) {
			return false
		}
		if _, err := x.c.Writer.Write(body[i : i+1]); err != nil {
			return false
		}
		x.c.Writer.Flush()
	}
	return true
}

// hangUp closes the connection without another word: with a reset, or as one who has
// nothing to say. Neither http.ErrAbortHandler, which Gin's recovery swallows, nor any
// answer would be what the client of a dead server sees.
func (x *exchange) hangUp(reset bool) {
	x.fail(injected(x.ending))
	x.c.Status(engine.StatusNoAnswer)
	var w http.ResponseWriter = x.c.Writer
	if x.c.Writer.Size() > 0 { // Gin would not let go of a connection that it has written to
		w = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		x.s.tel.Logger.ErrorContext(x.c.Request.Context(), "a connection could not be taken from the server", "error", err.Error())
		return
	}
	if l, ok := conn.(interface{ SetLinger(sec int) error }); ok && reset {
		_ = l.SetLinger(0)
	}
	_ = conn.Close()
}

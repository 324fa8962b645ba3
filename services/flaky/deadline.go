package flaky

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reliability/internal/problem"
)

// DeadlineHeader says for how many milliseconds more a client waits for its answer. What
// nobody will wait for is not worth beginning, nor going on with.
const DeadlineHeader = "X-Deadline-Ms"

// maxDeadline is in milliseconds: an hour.
const maxDeadline = 3_600_000

// errDeadline is the cause with which a request's context ends when its client has waited
// as long as it said.
var errDeadline = errors.New("the client waits no longer: " + DeadlineHeader + " has passed")

// patience returns for how long the client waits, or what is wrong with how it says that.
// It is 0 if the client does not say.
func patience(h http.Header) (time.Duration, *problem.Field) {
	values := h[DeadlineHeader]
	if len(values) == 0 {
		return 0, nil
	}
	text := strings.Join(values, ", ")
	ms, err := strconv.ParseUint(text, 10, 32)
	if err != nil || ms < 1 || ms > maxDeadline {
		shown := strings.ToValidUTF8(text[:min(len(text), maxName)], "?")
		return 0, &problem.Field{Field: DeadlineHeader, Value: strconv.Quote(shown), Allowed: "a whole number of milliseconds from 1 to 3600000"}
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// late reports whether the client's deadline has passed, and was what ended the request if
// anything did. The time counts, not only the context: its timer may come a moment later.
func (x *exchange) late() bool {
	ctx := x.c.Request.Context()
	if cause := context.Cause(ctx); cause != nil {
		return errors.Is(cause, errDeadline)
	}
	at, has := ctx.Deadline()
	return has && !time.Now().Before(at)
}

package resiliencehttp

import (
	"errors"
	"mime"
	"net/http"

	"reliability/pkg/resilience"
)

const (
	defaultMaxBuffered = 1 << 20
	maxBufferedAllowed = 1 << 30
)

// Config configures [NewTransport]. One of Handler and PerHost is required.
type Config struct {
	// Base makes the exchanges. Nil: a clone of http.DefaultTransport.
	Base http.RoundTripper
	// Fresh makes the exchanges that follow a failed one, so that they do not return to a
	// sick replica on the connection that leads there. (Request.Close would not do: it
	// ends a connection after its use.) Nil: where Base is an *http.Transport a clone of
	// it without keep-alives, which shares neither connections nor MaxConnsPerHost with
	// it, and lacks protocols added by its RegisterProtocol; otherwise Base.
	Fresh http.RoundTripper
	// Handler is one chain for all requests, right for a client of one dependency.
	Handler resilience.Handler
	// PerHost is a set of chains, one for each scheme and host.
	PerHost *PerHost
	// MaxBuffered is up to how many bytes of body an answer is read within its attempt. A
	// larger body streams. Each answer in flight may hold this much memory. 0: 1 MiB.
	MaxBuffered int64
	// Stream says which answers stream whatever their size. It must leave the body alone.
	// Nil: those of type text/event-stream, which have no end to wait for.
	Stream func(*http.Response) bool
	// Classify says whether an answer is a failed attempt, and by which error. It may read
	// a body that does not stream. Nil: [DefaultClassify].
	Classify func(*http.Response) error
}

// Validate reports every field that cannot be accepted.
func (c Config) Validate() error {
	var bad fieldErrors
	const one = "set where PerHost is not, and only there"
	switch {
	case c.Handler == nil && c.PerHost == nil:
		bad.require(false, "Config.Handler", "nil", one)
	case c.Handler != nil && c.PerHost != nil:
		bad.require(false, "Config.Handler", "a handler", one)
	}
	bad.require(c.MaxBuffered >= 0 && c.MaxBuffered <= maxBufferedAllowed, "Config.MaxBuffered", c.MaxBuffered,
		"1 to 1073741824, or 0 for 1048576")
	return errors.Join(bad...)
}

func (c Config) withDefaults() Config {
	if c.Base == nil {
		c.Base = http.DefaultTransport
		if t, ok := c.Base.(*http.Transport); ok {
			c.Base = t.Clone() // CloseIdleConnections must not reach other users of it
		}
	}
	if c.Fresh == nil {
		c.Fresh = c.Base
		if t, ok := c.Base.(*http.Transport); ok {
			fresh := t.Clone()
			fresh.DisableKeepAlives = true
			c.Fresh = fresh
		}
	}
	if c.MaxBuffered == 0 {
		c.MaxBuffered = defaultMaxBuffered
	}
	if c.Stream == nil {
		c.Stream = isEventStream
	}
	if c.Classify == nil {
		c.Classify = DefaultClassify
	}
	return c
}

func isEventStream(res *http.Response) bool {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return err == nil && kind == "text/event-stream"
}

// fieldErrors collects complaints; bad fields are added only when ok is false.
type fieldErrors []error

func (l *fieldErrors) require(ok bool, field string, value any, allowed string) {
	if !ok {
		*l = append(*l, &resilience.FieldError{Field: field, Value: value, Allowed: allowed})
	}
}

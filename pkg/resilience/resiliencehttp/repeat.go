package resiliencehttp

import (
	"context"
	"errors"
	"net"
	"net/http"
)

type idempotentKey struct{}

// WithIdempotent marks the requests made with the context as safe to send more than
// once, whatever their method. It is for a POST that the server is known to handle so;
// where the server can be told, the header Idempotency-Key does the same and more.
func WithIdempotent(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotentKey{}, true)
}

// idempotent reports whether sending req twice is the same as once: by its method, RFC
// 9110 §9.2.2, by a key that lets the server see that it is the same request (IETF draft
// "The Idempotency-Key HTTP Header Field"), or because the caller says so.
//
// Only the presence of the key counts, as in net/http: a header with no values is a mark
// that is not sent.
func idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if _, ok := req.Header[name]; ok {
			return true
		}
	}
	marked, _ := req.Context().Value(idempotentKey{}).(bool)
	return marked
}

// neverSent reports whether err proves that no byte of the request left: there was no
// connection to send it on. A write that failed proves nothing, the server may have all
// of it. Nor does an attempt that ended while dialling, of which http.Transport tells
// only that it ended. Of several errors joined, each had to prove it, so none does.
func neverSent(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) { //nolint:errorlint // the loop unwraps, and must not look into joined errors
		case *net.DNSError:
			return true
		case *net.OpError:
			if e.Op != "proxyconnect" { // which net/http puts around the dial to a proxy
				return e.Op == "dial"
			}
		}
	}
	return false
}

// An UnrepeatableError is a failed attempt after which the request was not sent again. It
// is permanent, as resilience.IsPermanent says.
type UnrepeatableError struct {
	Reason string // why not
	Err    error  // the failure; nil if the attempt before has not failed, or not yet

	local bool // nothing was sent this time: the policies asked all the same
}

func (e *UnrepeatableError) Error() string {
	s := "resiliencehttp: not sent again, because " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the failure.
func (e *UnrepeatableError) Unwrap() error { return e.Err }

// Rejected reports whether the request was turned away before it was sent, because the
// chain made another attempt although the one before was marked permanent.
func (e *UnrepeatableError) Rejected() bool { return e.local }

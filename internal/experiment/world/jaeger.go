package world

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of asking Jaeger for one trace: spans are exported once a second, by each service for itself.
const (
	traceLimit = 30 * time.Second
	tracePause = 250 * time.Millisecond
)

// A Trace is one of Jaeger's: its query API's /api/traces/{id}, as far as experiments look.
type Trace struct {
	Spans     []Span `json:"spans"`
	Processes map[string]struct {
		Service string `json:"serviceName"`
	} `json:"processes"`
}

// A Span is one span of it.
type Span struct {
	Process    string `json:"processID"`
	References []struct {
		Type  string `json:"refType"` // CHILD_OF, or FOLLOWS_FROM for a link
		Trace string `json:"traceID"`
	} `json:"references"`
	Tags []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"tags"`
}

// Tag is the value of an attribute as text; "" where there is none.
func (s Span) Tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

// Links are the other traces that the span refers to.
func (s Span) Links(own string) []string {
	var links []string
	for _, r := range s.References {
		if r.Trace != own {
			links = append(links, r.Trace)
		}
	}
	return links
}

// Of are a service's spans.
func (t Trace) Of(service string) []Span {
	var spans []Span
	for _, s := range t.Spans {
		if t.Processes[s.Process].Service == service {
			spans = append(spans, s)
		}
	}
	return spans
}

// ErrNoTraces is that nobody says where the deployment's traces are.
var ErrNoTraces = errors.New("the answer has no trace_url: CALLER_TRACE_URL is not set")

// Trace asks the Jaeger that a call's answer refers to for the call's trace, until it is there
// and complete reports true. The error says what was missing.
func (sys *System) Trace(ctx context.Context, d Done, complete func(Trace) bool) (Trace, error) {
	if d.TraceURL == "" {
		return Trace{}, ErrNoTraces
	}
	link, err := url.Parse(d.TraceURL)
	if err != nil {
		return Trace{}, err
	}
	query := api{sys.client, strings.TrimSuffix(link.JoinPath("../..").String(), "/")}
	limited, cancel := context.WithTimeout(ctx, traceLimit)
	defer cancel()
	why := errors.New("no answer from Jaeger")
	for {
		t, err := query.trace(limited, d.TraceID)
		switch {
		case err == nil && complete(t):
			return t, nil
		case limited.Err() == nil && err == nil:
			why = fmt.Errorf("there are %d spans, and others are missing", len(t.Spans))
		case limited.Err() == nil:
			why = err
		}
		select {
		case <-time.After(tracePause):
		case <-limited.Done():
			if ctx.Err() != nil {
				return Trace{}, context.Cause(ctx)
			}
			return Trace{}, fmt.Errorf("trace %s after %v: %w", d.TraceID, traceLimit, why)
		}
	}
}

func (a api) trace(ctx context.Context, id string) (Trace, error) {
	var answer struct {
		Data []Trace `json:"data"`
	}
	if err := a.ask(ctx, http.MethodGet, "/api/traces/"+url.PathEscape(id), nil, &answer); err != nil {
		return Trace{}, err
	}
	if len(answer.Data) == 0 {
		return Trace{}, errors.New("it is not in Jaeger")
	}
	return answer.Data[0], nil
}

package caller

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"reliability/pkg/resilience"
)

// maxTransitions is how many of a breaker's transitions are remembered.
const maxTransitions = 100

// A Transition is a breaker's change of state.
type Transition struct {
	From   string    `json:"from"`
	To     string    `json:"to"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Error  string    `json:"error,omitempty"` // the failure that opened it
	// TraceID is that of the call that caused it; no call does what is done by hand.
	TraceID  string `json:"trace_id,omitempty"`
	TraceURL string `json:"trace_url,omitempty"` // if somebody keeps the trace
}

// transition is one as those see it who watch. ctx came with it.
func (s *Service) transition(ctx context.Context, t resilience.Transition) *Transition {
	out := transitionOf(t)
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		out.TraceID, out.TraceURL = span.TraceID().String(), s.traceURL(span)
	}
	return out
}

func transitionOf(t resilience.Transition) *Transition {
	out := &Transition{From: t.From.String(), To: t.To.String(), At: t.At, Reason: t.Reason}
	if t.Err != nil {
		out.Error = t.Err.Error()
	}
	return out
}

// transitions are the latest of one breaker, as it told of them: a breaker itself does not
// know of traces. It is safe for concurrent use.
type transitions struct {
	mu     sync.Mutex    // protects latest
	latest []*Transition // the oldest first; none of them changes
}

func (t *transitions) add(latest *Transition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.latest) >= maxTransitions {
		t.latest = slices.Delete(t.latest, 0, 1)
	}
	t.latest = append(t.latest, latest)
}

func (t *transitions) read() []*Transition {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]*Transition{}, t.latest...) // and not nil
}

// upTo returns a breaker's last transition, by what it says of itself, and the one that
// opened it most lately: nil if there is none. What it is yet to tell has no trace.
func (t *transitions) upTo(last resilience.Transition) (latest, opened *Transition) {
	if last.At.IsZero() {
		return nil, nil
	}
	to, open := last.To.String(), resilience.Open.String()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, told := range slices.Backward(t.latest) {
		if told.At.Equal(last.At) && told.To == to {
			latest = told
		}
		if told.To == open && !told.At.After(last.At) {
			opened = told
			break
		}
	}
	if latest == nil {
		latest = transitionOf(last)
	}
	if to == open {
		opened = latest
	}
	return latest, opened
}

package telemetry

import (
	"cmp"
	"context"
	"slices"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Store keeps the spans and log records of the latest traces in memory, so that a trace can
// be looked at without any other program. It is a span processor, and safe for concurrent
// use. The oldest trace makes room for a new one, unless it is kept; a trace that grows past
// its bound stops growing.
type Store struct {
	mu     sync.Mutex // protects what follows
	traces map[trace.TraceID]*stored
	order  []trace.TraceID // a ring: the oldest first
	spans  int             // of the traces in order
	logs   int             // likewise
	kept   []trace.TraceID // the one that was kept first is the first
}

// A stored trace is not converted before somebody looks at it.
type stored struct {
	spans  []sdktrace.ReadOnlySpan
	logs   []record
	kept   bool
	behind bool // in order no longer: it is there because it is kept
}

// Bounds of a Store.
const (
	maxTraces    = 1000
	maxSpans     = 256   // of one trace
	maxTotal     = 10000 // of all, kept ones left behind by the others not counted
	maxLogs      = 100   // of one trace
	maxTotalLogs = 5000  // as of spans
	maxKept      = 100   // traces
)

// NewStore returns an empty Store.
func NewStore() *Store {
	return &Store{traces: map[trace.TraceID]*stored{}}
}

// OnStart implements [sdktrace.SpanProcessor].
func (s *Store) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd takes an ended span.
func (s *Store) OnEnd(span sdktrace.ReadOnlySpan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.storedLocked(span.SpanContext().TraceID())
	if len(t.spans) >= maxSpans {
		return
	}
	t.spans = append(t.spans, span)
	if !t.behind {
		s.spans++
	}
	s.boundLocked()
}

// log takes a record of a trace.
func (s *Store) log(id trace.TraceID, r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.storedLocked(id)
	if len(t.logs) >= maxLogs {
		return
	}
	t.logs = append(t.logs, r)
	if !t.behind {
		s.logs++
	}
	s.boundLocked()
}

// Keep lets a trace outlive those that come after it, whether or not any of its spans has
// ended. A hundred are kept so; the one that was kept first makes room.
func (s *Store) Keep(id trace.TraceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.kept, id); i >= 0 {
		s.kept = slices.Delete(s.kept, i, i+1)
	} else if len(s.kept) >= maxKept {
		s.releaseLocked()
	}
	s.kept = append(s.kept, id)
	s.storedLocked(id).kept = true
}

// releaseLocked makes the trace that was kept first an ordinary one.
func (s *Store) releaseLocked() {
	first := s.kept[0]
	s.kept = s.kept[1:]
	t := s.traces[first]
	if t.kept = false; t.behind {
		delete(s.traces, first)
	}
}

// storedLocked returns what there is of a trace, which is a new one if there is nothing.
func (s *Store) storedLocked(id trace.TraceID) *stored {
	t := s.traces[id]
	if t == nil {
		if len(s.order) >= maxTraces {
			s.forgetOldestLocked()
		}
		t = &stored{}
		s.traces[id] = t
		s.order = append(s.order, id)
	}
	return t
}

func (s *Store) boundLocked() {
	for s.spans > maxTotal || s.logs > maxTotalLogs {
		s.forgetOldestLocked()
	}
}

func (s *Store) forgetOldestLocked() {
	oldest := s.order[0]
	s.order = s.order[1:]
	t := s.traces[oldest]
	s.spans -= len(t.spans)
	s.logs -= len(t.logs)
	if t.behind = t.kept; !t.kept {
		delete(s.traces, oldest)
	}
}

// Shutdown implements [sdktrace.SpanProcessor].
func (s *Store) Shutdown(context.Context) error { return nil }

// ForceFlush implements [sdktrace.SpanProcessor].
func (s *Store) ForceFlush(context.Context) error { return nil }

// Trace returns the ended spans of a trace, by their start, and whether there are any.
func (s *Store) Trace(id trace.TraceID) ([]Span, bool) {
	found, _ := s.read(id)
	spans := make([]Span, 0, len(found))
	for _, span := range found {
		spans = append(spans, convert(span))
	}
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ParentID, b.ParentID))
	})
	return spans, len(spans) > 0
}

// Logs returns what was logged in a trace, by time.
func (s *Store) Logs(id trace.TraceID) []Log {
	_, found := s.read(id)
	logs := make([]Log, 0, len(found))
	for _, r := range found {
		logs = append(logs, r.log())
	}
	slices.SortStableFunc(logs, func(a, b Log) int { return a.Time.Compare(b.Time) })
	return logs
}

func (s *Store) read(id trace.TraceID) ([]sdktrace.ReadOnlySpan, []record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.traces[id]; t != nil {
		return slices.Clone(t.spans), slices.Clone(t.logs)
	}
	return nil, nil
}

// Recent returns the ids of up to n traces that have an ended span, the latest first.
func (s *Store) Recent(n int) []trace.TraceID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []trace.TraceID{}
	add := func(list []trace.TraceID, behind bool) {
		for _, id := range slices.Backward(list) {
			if t := s.traces[id]; len(ids) < n && t.behind == behind && len(t.spans) > 0 {
				ids = append(ids, id)
			}
		}
	}
	add(s.order, false)
	add(s.kept, true)
	return ids
}

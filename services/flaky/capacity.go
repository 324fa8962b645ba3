package flaky

import (
	"context"
	"slices"
	"sync"
	"time"

	"reliability/internal/document"
	"reliability/internal/serve"
)

// In which order a queue is worked off.
const (
	fifo = "fifo"
	lifo = "lifo"
)

// Capacity makes load cost something, as on a real server: a request waits for a worker,
// in a bounded queue, and then holds it for its service time. Overload is answered with 503
// at once. Under fifo the request is turned away that finds the queue full, under lifo
// the one that has waited longest.
type Capacity struct {
	Workers     int          `json:"workers"`      // how many requests are worked on at once
	Queue       int          `json:"queue"`        // how many may wait; 0: none
	ServiceTime Distribution `json:"service_time"` // how long a worker takes for a request
	Discipline  string       `json:"discipline"`   // who is next: the first that came, or the last; "fifo" if the document does not say
	// DropAbandoned ends a request at once whose client has gone. A server that does not
	// look works for nobody, which is how overload outlives its cause.
	DropAbandoned bool `json:"drop_abandoned"`
}

func (c *Capacity) field() document.Field {
	c.Discipline = fifo
	return document.Nested(document.Object{
		"workers":        document.Int(&c.Workers, 1, 10_000),
		"queue":          document.Int(&c.Queue, 0, 100_000),
		"service_time":   document.Nested(c.ServiceTime.fields(), c.ServiceTime.check),
		"discipline":     document.OneOf(&c.Discipline, fifo, lifo),
		"drop_abandoned": document.Bool(&c.DropAbandoned),
	}, required("workers", "service_time"))
}

// A pool is the workers of one replica and the queue before them. Both outlive a change of
// the capacity, as load outlives its cause. It is safe for concurrent use.
type pool struct {
	mu     sync.Mutex // protects what follows
	limits *Capacity  // nil: unbounded
	since  [2]uint64  // the profile and episode that the limits are of
	busy   int
	queue  []*waiting // the longest first
	queued gauge
}

// A waiting request. Its fields are written before done is closed.
type waiting struct {
	done    chan struct{}
	evicted bool // by one that came later
}

// configure puts the limits in force that a profile has at a moment, and lets those in for
// whom there is room by them. A request that was decided earlier and comes here later
// changes nothing back.
func (p *pool) configure(in *profile, now time.Time) *episode {
	e := in.episode(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := [2]uint64{in.number, uint64(e.number)}; slices.Compare(at[:], p.since[:]) > 0 {
		p.limits, p.since = e.faults.Capacity, at
		p.dispatchLocked(now)
	}
	return e
}

// An entry is what became of the wish for a worker.
type entry int

const (
	entered  entry = iota // there is one; it must be given back with leave
	overload              // there is none, nor a place in the queue
	ended                 // ctx or the server did
)

// enter waits for a worker, and says how long if it had to.
func (p *pool) enter(ctx context.Context) (entry, time.Duration) {
	begin := time.Now()
	w, e := p.join(begin)
	if w == nil {
		return e, 0
	}
	e = p.await(ctx, w)
	return e, time.Since(begin)
}

func (p *pool) await(ctx context.Context, w *waiting) entry {
	gone := ctx.Done()
	if !p.dropsAbandoned() {
		gone = nil
	}
	select {
	case <-w.done:
		if w.evicted {
			return overload
		}
		return entered
	case <-gone:
	case <-serve.LifeOf(ctx).Over:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.done: // at the same moment
		if !w.evicted {
			p.busy--
			p.dispatchLocked(time.Now())
		}
	default:
		p.queue = slices.DeleteFunc(p.queue, func(x *waiting) bool { return x == w })
		p.queued.set(len(p.queue), time.Now())
	}
	return ended
}

// join takes a worker or a place in the queue, if there is either.
func (p *pool) join(now time.Time) (*waiting, entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limits == nil || p.busy < p.limits.Workers && len(p.queue) == 0 {
		p.busy++
		return nil, entered
	}
	if len(p.queue) >= p.limits.Queue {
		if p.limits.Discipline == fifo || len(p.queue) == 0 {
			return nil, overload
		}
		p.queue[0].evicted = true
		close(p.queue[0].done)
		p.queue = p.queue[1:]
	}
	w := &waiting{done: make(chan struct{})}
	p.queue = append(p.queue, w)
	p.queued.set(len(p.queue), now)
	return w, ended // unless something comes first
}

func (p *pool) dropsAbandoned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits != nil && p.limits.DropAbandoned
}

// leave gives a worker back.
func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.dispatchLocked(time.Now())
}

func (p *pool) dispatchLocked(now time.Time) {
	for len(p.queue) > 0 && (p.limits == nil || p.busy < p.limits.Workers) {
		next := 0
		if p.limits != nil && p.limits.Discipline == lifo {
			next = len(p.queue) - 1
		}
		p.busy++
		close(p.queue[next].done)
		p.queue = slices.Delete(p.queue, next, next+1)
	}
	p.queued.set(len(p.queue), now)
}

// load returns how many requests are being worked on and how many wait, and the integral
// of those that wait over time, in seconds.
func (p *pool) load(now time.Time) (busy, queue int, queueSeconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy, len(p.queue), p.queued.seconds(now)
}

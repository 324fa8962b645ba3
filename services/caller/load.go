package caller

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"reliability/internal/document"
)

// Arrival processes. Independent clients make a Poisson process; a constant rate is
// easier to read.
const (
	arrivalsConstant = "constant"
	arrivalsPoisson  = "poisson"
)

// A Load is the calls that caller makes by itself, as a document.
type Load struct {
	Rate        float64           `json:"rate"`          // calls a second; 0: none
	Arrivals    string            `json:"arrivals"`      // at equal distances, or as independent clients come
	MaxInFlight int               `json:"max_in_flight"` // a call that comes while so many run is dropped, and counted
	HandRolled  float64           `json:"handrolled"`    // share of the calls that go by that engine
	For         document.Duration `json:"for"`           // how long; 0s: until it is changed
	Seed        uint64            `json:"seed"`          // of the arrivals; 0 in a document: any
}

// Bounds of a load document.
const (
	minLoadRate     = 0.001
	maxLoadRate     = 10_000
	maxLoadInFlight = 100_000
	maxSeed         = 1<<53 - 1 // what JSON's readers hold exactly
	maxArrival      = 100 * 365 * 24 * time.Hour
)

// DefaultLoad makes no calls.
func DefaultLoad() Load { return Load{Arrivals: arrivalsConstant, MaxInFlight: 1000, HandRolled: 0.5} }

// UnmarshalText makes a load of an environment variable. Nothing is set on an error.
func (l *Load) UnmarshalText(text []byte) error {
	parsed, err := ParseLoad(text)
	if err == nil {
		*l = parsed
	}
	return err
}

// UnmarshalJSON makes one of a part of another document.
func (l *Load) UnmarshalJSON(text []byte) error { return l.UnmarshalText(text) }

// ParseLoad reads and checks a whole document; what it leaves out is as in [DefaultLoad].
// The error is a problem.Fields with every problem in it.
func ParseLoad(text []byte) (Load, error) {
	l := DefaultLoad()
	err := document.Parse(text, document.Object{
		"rate":          rateField(&l.Rate),
		"arrivals":      document.OneOf(&l.Arrivals, arrivalsConstant, arrivalsPoisson),
		"max_in_flight": document.Int(&l.MaxInFlight, 1, maxLoadInFlight),
		"handrolled":    document.Float(&l.HandRolled, 0, 1),
		"for":           document.Interval(&l.For, 0, maxInterval),
		"seed":          document.Int(&l.Seed, 0, maxSeed),
	}, nil)
	if err != nil {
		return Load{}, err
	}
	return l, nil
}

// rateField is 0, or a rate at which something happens while somebody looks.
func rateField(into *float64) document.Field {
	f := document.Float(into, 0, maxLoadRate)
	return document.Field{
		Allowed: fmt.Sprintf("0, or a number from %v to %v", minLoadRate, maxLoadRate),
		Read:    func(v document.Value) bool { return f.Read(v) && (*into == 0 || *into >= minLoadRate) },
	}
}

// LoadState says what became of the load.
type LoadState struct {
	Load    Load      `json:"load"`
	Since   time.Time `json:"since"`
	Offered uint64    `json:"offered"` // calls that were due since caller began
	Dropped uint64    `json:"dropped"` // of them, those that found too many running
	Done    uint64    `json:"done"`
	Running int       `json:"running"`
	// Latency is counted from when a call was due, not from when it was made: a generator
	// that waits for a slow dependency would not see how slow it is (coordinated omission).
	Latency Latency `json:"latency"`
}

// A generator makes calls at a rate, whether or not earlier ones are done: an open loop,
// as clients are who do not know of each other. It is safe for concurrent use.
type generator struct {
	call func(ctx context.Context, engine string)

	mu        sync.Mutex // protects what follows
	plan      *plan
	sum       LoadState
	latencies *latencies
}

// A plan is the load from one change to the next.
type plan struct {
	Load
	since      time.Time
	superseded chan struct{} // closed by the next one
}

func newGenerator(l Load, call func(ctx context.Context, engine string)) *generator {
	g := &generator{call: call, latencies: newLatencies(time.Now())}
	g.set(l)
	return g
}

// set puts a load in force. Calls that run go on.
func (g *generator) set(l Load) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.Seed == 0 {
		l.Seed = 1 + rand.Uint64N(maxSeed)
	}
	old := g.plan
	g.plan = &plan{Load: l, since: time.Now(), superseded: make(chan struct{})}
	if old != nil {
		close(old.superseded)
	}
}

func (g *generator) current() *plan {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.plan
}

func (g *generator) state(now time.Time) LoadState {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sum
	s.Load, s.Since, s.Latency = g.plan.Load, g.plan.since, g.latencies.read(now, nil)
	return s
}

// run makes the calls until ctx ends, and waits for those that then run; their contexts
// end with it.
func (g *generator) run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for ctx.Err() == nil {
		g.follow(ctx, g.current(), &calls)
	}
}

// follow makes a plan's calls until the plan or ctx ends.
func (g *generator) follow(ctx context.Context, p *plan, calls *sync.WaitGroup) {
	arrivals, share := p.arrivals(), 0.0
	for {
		due, ok := arrivals()
		if !ok || !wait(ctx, p.superseded, due) {
			if !ok {
				wait(ctx, p.superseded, time.Time{})
			}
			return
		}
		engine := engineGobreaker
		// By turns, so that of any number of calls each engine has its share.
		if share += p.HandRolled; share >= 1-1e-9 {
			share--
			engine = engineHandRolled
		}
		if g.begin(p.MaxInFlight) {
			calls.Go(func() {
				g.call(ctx, engine)
				g.end(due)
			})
		}
	}
}

func (g *generator) begin(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sum.Offered++
	if g.sum.Running >= most {
		g.sum.Dropped++
		return false
	}
	g.sum.Running++
	return true
}

func (g *generator) end(due time.Time) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sum.Running--
	g.sum.Done++
	g.latencies.add(now.Sub(due), now)
}

// arrivals returns when the next call is due, call by call, and false when there is none.
// The times do not hang on how fast they are asked for.
func (p *plan) arrivals() func() (time.Time, bool) {
	random := rand.New(rand.NewPCG(p.Seed, 0))
	n, at := 0.0, 0.0 // calls, and seconds after since
	return func() (time.Time, bool) {
		switch {
		case p.Rate == 0:
			return time.Time{}, false
		case p.Arrivals == arrivalsPoisson:
			at += random.ExpFloat64() / p.Rate
		default:
			n++
			at = n / p.Rate // not a sum, whose error would grow
		}
		d := time.Duration(min(at, maxArrival.Seconds()) * float64(time.Second))
		return p.since.Add(d), p.For == 0 || d <= time.Duration(p.For)
	}
}

// wait returns true at the moment due, or false when ctx or the plan ends before. The
// zero moment never comes.
func wait(ctx context.Context, superseded <-chan struct{}, due time.Time) bool {
	var timer <-chan time.Time
	if !due.IsZero() {
		d := time.Until(due)
		if d <= 0 && ctx.Err() == nil {
			select {
			case <-superseded:
				return false
			default:
				return true
			}
		}
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
		return true
	case <-superseded:
	case <-ctx.Done():
	}
	return false
}

// generate makes one call of the load: a trace of its own.
func (s *Service) generate(ctx context.Context, engine string) {
	ctx, span := s.tracer.Start(ctx, "load", trace.WithSpanKind(trace.SpanKindInternal))
	defer span.End()
	_, _, _, _ = s.protect(ctx, wish{engine: engine}, request{method: http.MethodGet}) // who watches learns of it
}

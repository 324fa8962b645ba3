package resilience

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// NewBreaker returns the hand-rolled breaker, written to be read. It is safe for
// concurrent use.
//
// While closed with no failure outstanding and no rate to measure, Acquire and a success
// are one atomic read each. Everything else happens under one mutex, and every
// transition starts a new generation: a permit remembers the generation that admitted
// it, and one that comes back later changes nothing.
func NewBreaker(cfg BreakerConfig) (Breaker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("resilience: new breaker: %w", err)
	}
	cfg = cfg.WithDefaults()
	b := &breaker{
		name: cfg.Name, events: NewEventQueue(cfg.Observer), base: time.Now(),
		cfg: cfg, tally: *NewTally(cfg), spread: rand.Float64(),
	}
	b.publishLocked() // nobody else has it yet
	return b, nil
}

type breaker struct {
	name   string
	events *EventQueue // pushed to under mu
	// base is the breaker's birth. All its times are durations since then: a clock read
	// against a base costs half of one that makes a time.Time.
	base time.Time

	// word is what the fast paths need: the generation and flags. Written under mu.
	word atomic.Uint64
	// rejection is what every call gets while open; nil otherwise. Written under mu.
	rejection atomic.Pointer[rejection]

	mu         sync.Mutex // protects what follows
	cfg        BreakerConfig
	mode       Mode
	state      State
	generation uint64
	tally      Tally         // while closed
	until      time.Duration // of being open; while observing, of what would be
	reopened   int           // how often since last closed
	spread     float64       // of the next time open: drawn before, so that Stats can tell it
	probes     []*probe      // out now, the oldest first, while half-open
	passed     int           // probes that succeeded this period
	last       Transition
}

// A rejection is made once for each time that the breaker opens.
type rejection struct {
	err   *OpenError
	until time.Duration
}

// The word is generation<<flagBits, with these flags.
const (
	flagAdmit  = 1 << iota // not closed, or each call is recorded: Acquire has more to do
	flagSettle             // a success changes the tally
	flagBits   = iota
)

// forever is the Until of a breaker held open.
const forever = time.Duration(1<<63 - 1)

func (b *breaker) now() time.Duration { return time.Since(b.base) }

// Acquire implements [Breaker].
func (b *breaker) Acquire(ctx context.Context) (Permit, error) {
	if word := b.word.Load(); word&flagAdmit == 0 {
		return NewPermit(b, Ticket{Generation: word >> flagBits}), nil
	}
	return b.acquire(ctx)
}

// acquire does what a look at the word does not settle. Here and in settle the lock is
// given back without a defer, which would be a tenth of what they cost: nothing that
// runs under it can panic.
func (b *breaker) acquire(ctx context.Context) (Permit, error) {
	now := b.now()
	// Where somebody watches, the lock makes sure that the transition has been queued.
	if r := b.rejection.Load(); r != nil && now < r.until && b.events.observer == nil {
		return Permit{}, r.err
	}
	b.mu.Lock()
	if b.state == Closed && b.countingLocked(now) && b.tally.quiet(now) { // as nearly always
		t := Ticket{Generation: b.generation, Record: b.tally.Begin(now)}
		b.mu.Unlock()
		return NewPermit(b, t), nil
	}
	t, rejected := b.admitLocked(ctx, now)
	b.mu.Unlock()
	b.events.Deliver()
	if rejected != nil {
		b.events.Reject(ctx, b.name, rejected)
		return Permit{}, rejected
	}
	return NewPermit(b, t), nil
}

func (b *breaker) admitLocked(ctx context.Context, now time.Duration) (Ticket, *OpenError) {
	b.catchUpLocked(ctx, now)
	t := Ticket{Generation: b.generation}
	switch b.state {
	case Closed:
		if b.countingLocked(now) {
			t.Record = b.tally.Begin(now)
		}
	case Open:
		return Ticket{}, b.rejection.Load().err
	case HalfOpen:
		if b.passed+len(b.probes) >= b.cfg.Probes {
			return Ticket{}, &OpenError{Breaker: b.name, State: HalfOpen}
		}
		p := &probe{begin: now, lease: now + b.cfg.Lease, ctx: ctx}
		b.probes = append(b.probes, p)
		t.Record = &Record{Cookie: p}
	}
	return t, nil
}

// Settle implements [Settler].
func (b *breaker) Settle(ctx context.Context, t Ticket, o Outcome, err error) bool {
	if o == Success && b.word.Load() == t.Generation<<flagBits {
		return true
	}
	return b.settle(ctx, t, o, err)
}

func (b *breaker) settle(ctx context.Context, t Ticket, o Outcome, err error) bool {
	now := b.now()
	b.mu.Lock()
	counted := true
	if t.Generation == b.generation && b.state == Closed && b.countingLocked(now) {
		if reason := b.tally.End(now, t.Record, o); reason != "" {
			b.tripLocked(ctx, now, reason, failureOf(o, err))
		}
		if b.tally.window == nil { // with one, the word stays as it is
			b.publishLocked()
		}
	} else {
		counted = b.settleOtherLocked(ctx, now, t, o, err)
	}
	b.mu.Unlock()
	b.events.Deliver()
	return counted
}

// settleOtherLocked settles what is no call of a closed breaker that counts.
func (b *breaker) settleOtherLocked(ctx context.Context, now time.Duration, t Ticket, o Outcome, err error) bool {
	switch {
	case t.Generation != b.generation:
		return false
	case b.state == HalfOpen:
		return b.settleProbeLocked(ctx, now, t.Record, o, err)
	default: // closed, by hand or while observing
		return true
	}
}

// countingLocked reports whether calls count while closed.
func (b *breaker) countingLocked(now time.Duration) bool {
	return b.mode == ModeAutomatic || b.mode == ModeObserve && now >= b.until
}

// tripLocked is what happens when a rule is met.
func (b *breaker) tripLocked(ctx context.Context, now time.Duration, reason string, err error) {
	t := Transition{From: Closed, To: Open, Reason: reason, Counts: b.tally.Counts(now), Err: err}
	if b.mode != ModeObserve {
		b.changeLocked(ctx, now, t)
		return
	}
	until := now + b.nextOpenTimeLocked(0)
	b.startLocked(now)
	b.until = until
	t.Breaker, t.At, t.Until = b.name, b.base.Add(now), b.base.Add(b.until)
	b.events.Push(ctx, Event{Kind: EventWouldOpen, Name: b.name, Transition: t, Err: err})
}

// catchUpLocked makes the transitions that are due before another call begins.
func (b *breaker) catchUpLocked(ctx context.Context, now time.Duration) {
	b.expireLocked(now)
	b.passLocked(ctx, now) // fewer probes may be asked for than before
	if b.state == Open && now >= b.until {
		b.changeLocked(ctx, now, Transition{
			To: HalfOpen, Reason: fmt.Sprintf("open for %v, probing", b.base.Add(b.until).Sub(b.last.At)),
		})
	}
	if reason := b.tally.AtBegin(now); reason != "" { // which has records only while closed
		b.tripLocked(ctx, now, reason, nil)
	}
}

// changeLocked is the only place where the state changes.
func (b *breaker) changeLocked(ctx context.Context, now time.Duration, t Transition) {
	t.Breaker, t.From, t.At = b.name, b.state, b.base.Add(now)
	if t.To == Open && t.From == HalfOpen {
		b.reopened++
	}
	if t.To == Closed {
		b.reopened = 0
	}
	b.state = t.To
	t.Until = b.startLocked(now)
	b.last = t
	b.events.Push(ctx, Event{Kind: EventTransition, Name: b.name, Transition: t, Err: t.Err})
}

// startLocked begins a new generation of the state, with nothing counted and nobody out.
// It returns when that will end, if it is known.
func (b *breaker) startLocked(now time.Duration) time.Time {
	b.generation++
	b.tally.Reset()
	b.probes, b.passed, b.until = nil, 0, 0
	b.rejection.Store(nil)
	b.publishLocked()
	if b.state != Open {
		return time.Time{}
	}
	var until time.Time
	if b.mode == ModeOpen {
		b.until = forever
	} else {
		b.until = now + b.nextOpenTimeLocked(b.reopened)
		until = b.base.Add(b.until)
	}
	b.rejection.Store(&rejection{err: &OpenError{Breaker: b.name, State: Open, Until: until}, until: b.until})
	return until
}

func (b *breaker) nextOpenTimeLocked(reopened int) time.Duration {
	d := b.cfg.openTime(reopened, b.spread)
	b.spread = rand.Float64()
	return d
}

func (b *breaker) publishLocked() {
	word := b.generation << flagBits
	if b.state != Closed || b.tally.Records() {
		word |= flagAdmit
	}
	if !b.tally.Idle() {
		word |= flagSettle
	}
	b.word.Store(word)
}

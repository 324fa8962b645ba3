package breakertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// CheckHistory lets several goroutines use one breaker at once, in a synctest bubble that
// the caller provides, and says whether what they saw is linearizable: whether there is
// an order of their calls that respects which of them had returned before another began,
// and in which the [Model] gives every one of them the same answer (Herlihy and Wing,
// 1990; the search is Wing and Gong's).
//
// Between bursts of calls all goroutines stop, time passes, and Stats is compared too.
func CheckHistory(newBreaker New, cfg resilience.BreakerConfig, random *rand.Rand) error {
	model, err := NewModel(cfg)
	if err != nil {
		return err
	}
	b, err := newBreaker(cfg)
	if err != nil {
		return err
	}
	const callers, bursts, callsEach = 3, 5, 3 // with Stats, 50 events; see maxEvents
	h := &history{breaker: b, begin: time.Now(), cfg: cfg}
	permits := make([][]*held, callers)
	for range bursts {
		var wg sync.WaitGroup
		for caller := range permits {
			script := make([]int, callsEach)
			for i := range script {
				script[i] = random.IntN(5)
				if random.IntN(8) == 0 {
					script[i] = actForce + random.IntN(5)
				}
			}
			wg.Go(func() {
				for _, what := range script {
					runtime.Gosched()
					permits[caller] = h.act(what, permits[caller])
				}
			})
		}
		wg.Wait()
		h.quiet(func(e *happened) { e.kind, e.stats = "stats", stripped(b.Stats()) })
		time.Sleep(advances(cfg)[random.IntN(len(advances(cfg)))])
		synctest.Wait()
	}
	for _, mine := range permits {
		for _, p := range mine {
			p.permit.Done(context.Background(), resilience.Neutral, nil)
		}
	}
	if !linearizable(h.events, model) {
		return fmt.Errorf("no order of these calls explains their answers:\n%s", lines(h.events))
	}
	return nil
}

// history is what was done, and when in relation to what else.
type history struct {
	breaker resilience.Breaker
	begin   time.Time
	cfg     resilience.BreakerConfig
	stamp   atomic.Int64

	mu     sync.Mutex // protects events
	events []*happened
}

// A happened is one call of a breaker's method, from its invocation to its return.
type happened struct {
	kind             string // "acquire", "done", "stats", "force" or "reconfigure"
	invoked, retired int64
	at               time.Duration
	permit           *held // got, or settled
	outcome          resilience.Outcome
	yes              bool // admitted, or counted
	stats            resilience.Stats
	mode             resilience.Mode
	cfg              resilience.BreakerConfig
}

func (e *happened) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%3d to %3d at %v: %s", e.invoked, e.retired, e.at, e.kind)
	switch e.kind {
	case "stats":
		fmt.Fprintf(&b, " %+v", e.stats)
	case "force":
		fmt.Fprintf(&b, " %v", e.mode)
	case "done":
		fmt.Fprintf(&b, " %v of call %p", e.outcome, e.permit)
	default:
		fmt.Fprintf(&b, " call %p", e.permit)
	}
	fmt.Fprintf(&b, " %v", e.yes)
	return b.String()
}

type held struct{ permit resilience.Permit }

// actForce and the three numbers behind it put the breaker into a mode; the fourth
// changes a threshold.
const actForce = 10

// act does what the script says and returns the permits that the caller now holds.
func (h *history) act(what int, mine []*held) []*held {
	switch {
	case what == actForce+4:
		h.quiet(func(e *happened) {
			e.kind, e.cfg = "reconfigure", h.cfg
			e.cfg.Lease++
			e.yes = h.breaker.Reconfigure(e.cfg) == nil
		})
		return mine
	case what >= actForce:
		h.quiet(func(e *happened) {
			e.kind, e.mode = "force", resilience.Mode(what-actForce)
			e.yes = h.breaker.Force(context.Background(), e.mode) == nil
		})
		return mine
	}
	if what < 2 || len(mine) == 0 {
		p := &held{}
		h.quiet(func(e *happened) {
			var err error
			p.permit, err = h.breaker.Acquire(context.Background())
			e.kind, e.permit, e.yes = "acquire", p, err == nil
		})
		if p.permit.Live() {
			mine = append(mine, p)
		}
		return mine
	}
	outcome := resilience.Outcome(what - 2)
	p := mine[0]
	h.quiet(func(e *happened) {
		e.kind, e.permit, e.outcome = "done", p, outcome
		e.yes = p.permit.Done(context.Background(), outcome, errBoom)
	})
	return mine[1:]
}

// quiet records one call, between two stamps.
func (h *history) quiet(call func(*happened)) {
	e := &happened{at: time.Since(h.begin), invoked: h.stamp.Add(1)}
	call(e)
	e.retired = h.stamp.Add(1)
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
}

func stripped(s resilience.Stats) resilience.Stats {
	s.Name, s.Last, s.Until = "", resilience.Transition{}, time.Time{}
	return s
}

// linearizable looks for the order.
func linearizable(events []*happened, model *Model) bool {
	s := &search{events: events, dead: map[dead]bool{}}
	return s.explains(placed{}, model)
}

// maxEvents is how many a history may have: as many as a word has bits.
const maxEvents = 64

type search struct {
	events []*happened
	dead   map[dead]bool // ends that were tried
}

// placed is how far an order has come.
type placed struct {
	events  uint64           // a bit for each one that has its place
	numbers [maxEvents]uint8 // the model's numbers of the calls they admitted
}

// dead is a state from which the rest cannot be explained.
type dead struct {
	placed
	model string
}

// explains reports whether the model can answer the events that have no place yet.
func (s *search) explains(p placed, model *Model) bool {
	if p.events == 1<<len(s.events)-1 {
		return true
	}
	key := dead{p, model.fingerprint()}
	if s.dead[key] {
		return false
	}
	for i, e := range s.events {
		if p.events>>i&1 == 1 || !s.mayBeNext(p, e) {
			continue
		}
		next, then := model.Clone(), p
		number, agreed := next.answer(e, int(p.numbers[s.admission(e)]))
		then.events |= 1 << i
		then.numbers[i] = uint8(number)
		if agreed && s.explains(then, next) {
			return true
		}
	}
	s.dead[key] = true
	return false
}

// admission is the place of the event that got e its permit, if it has one.
func (s *search) admission(e *happened) int {
	for i, other := range s.events {
		if other.kind == "acquire" && other.permit == e.permit {
			return i
		}
	}
	return 0
}

// mayBeNext reports whether everything that had returned before e began has its place.
func (s *search) mayBeNext(p placed, e *happened) bool {
	for i, other := range s.events {
		if p.events>>i&1 == 0 && other.retired < e.invoked {
			return false
		}
	}
	return true
}

// answer makes the model do what e did, and says whether it agrees.
func (m *Model) answer(e *happened, number int) (admitted int, agreed bool) {
	switch e.kind {
	case "acquire":
		n, ok := m.Acquire(e.at)
		return n, ok == e.yes
	case "done":
		return 0, m.Done(e.at, number, e.outcome) == e.yes
	case "force":
		m.Force(e.at, e.mode)
		return 0, e.yes
	case "reconfigure":
		m.Reconfigure(e.at, e.cfg)
		return 0, e.yes
	default:
		want, _ := m.Stats(e.at)
		return 0, want == e.stats
	}
}

func (m *Model) fingerprint() string {
	return fmt.Sprint(m.mode, m.cfg.Lease, m.state, m.generation, m.until, m.reopened, m.failures, m.ended, m.running, m.probes, m.passed)
}

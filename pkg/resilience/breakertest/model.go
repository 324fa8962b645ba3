package breakertest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"reliability/pkg/resilience"
)

// A Model is what a breaker should do, written as plainly as possible: it remembers every
// call there was and counts anew each time it is asked. It holds no clock and no lock;
// every step is told the time, as the duration since the breaker was made. Copies made by
// Clone are independent, so that a checker can try one future and then another.
type Model struct {
	cfg        resilience.BreakerConfig
	mode       resilience.Mode
	state      resilience.State
	generation int
	until      time.Duration
	reopened   int
	failures   int // in a row
	ended      []endedCall
	running    map[int]runningCall
	probes     []outProbe // the oldest first
	passed     int
	lastCall   int

	// Changes are the transitions so far, without reasons.
	Changes []Change
}

// A Change is a transition, or one that would have been while observing.
type Change struct {
	From, To  resilience.State
	At, Until time.Duration // Until is 0 if it is held open, and when it is not open
	Counts    resilience.Counts
	Would     bool
}

type runningCall struct {
	generation int
	begin      time.Duration
	recorded   bool // slow calls counted when it began
}

type outProbe struct {
	call  int
	lease time.Duration // its end
}

type endedCall struct {
	at           time.Duration
	failed, slow bool
}

// NewModel returns the model of a new breaker. It knows no OpenJitter.
func NewModel(cfg resilience.BreakerConfig) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.OpenJitter != 0 {
		return nil, fmt.Errorf("breakertest: a model cannot tell chance: OpenJitter is %v", cfg.OpenJitter)
	}
	return &Model{cfg: cfg.WithDefaults(), running: map[int]runningCall{}}, nil
}

// Clone returns an independent copy.
func (m *Model) Clone() *Model {
	c := *m
	c.ended, c.probes, c.Changes = slices.Clone(m.ended), slices.Clone(m.probes), slices.Clone(m.Changes)
	c.running = maps.Clone(m.running)
	return &c
}

// Acquire says whether a call is admitted, and under which number.
func (m *Model) Acquire(now time.Duration) (call int, ok bool) {
	m.settle(now)
	switch {
	case m.state == resilience.Open:
		return 0, false
	case m.state == resilience.HalfOpen && m.passed+len(m.probes) >= m.cfg.Probes:
		return 0, false
	}
	m.lastCall++
	m.running[m.lastCall] = runningCall{m.generation, now, m.cfg.SlowRate > 0 && m.counting(now)}
	if m.state == resilience.HalfOpen {
		m.probes = append(m.probes, outProbe{m.lastCall, now + m.cfg.Lease})
	}
	return m.lastCall, true
}

// Done says whether the outcome of a call still matters.
func (m *Model) Done(now time.Duration, call int, o resilience.Outcome) bool {
	c, ok := m.running[call]
	delete(m.running, call)
	switch {
	case !ok || c.generation != m.generation:
		return false
	case m.state == resilience.HalfOpen:
		return m.probeDone(now, call, c, o)
	case !m.counting(now):
		return true
	}
	if o != resilience.Neutral {
		failed := o != resilience.Success
		slow := c.recorded && now-c.begin >= m.cfg.SlowAfter
		m.ended = append(m.ended, endedCall{now, failed, slow})
		m.failures++
		if !failed {
			m.failures = 0
		}
	}
	counts := m.counts(now)
	if m.cfg.Failures > 0 && counts.Failures >= m.cfg.Failures ||
		m.met(m.cfg.FailureRate, counts.Failed, counts.Calls) || m.slowMet(counts) {
		m.trip(now, counts)
	}
	return true
}

func (m *Model) probeDone(now time.Duration, call int, c runningCall, o resilience.Outcome) bool {
	if _, lost := m.lost(now); lost {
		return false
	}
	m.probes = slices.DeleteFunc(m.probes, func(p outProbe) bool { return p.call == call })
	slow := m.cfg.SlowRate > 0 && now-c.begin >= m.cfg.SlowAfter
	switch {
	case o == resilience.Neutral:
	case o == resilience.Success && !slow:
		m.passed++
		m.pass(now)
	default:
		m.change(now, resilience.Open, resilience.Counts{})
	}
	return true
}

// Force puts the breaker into a mode.
func (m *Model) Force(now time.Duration, mode resilience.Mode) {
	if mode == m.mode {
		return
	}
	m.expire(now)
	m.mode = mode
	to := resilience.Closed
	if mode == resilience.ModeOpen {
		to = resilience.Open
	}
	if to == m.state {
		m.start(now)
		return
	}
	m.change(now, to, resilience.Counts{})
}

// Reconfigure changes the thresholds. A configuration that is refused changes nothing.
func (m *Model) Reconfigure(now time.Duration, cfg resilience.BreakerConfig) {
	next, err := resilience.Reconfigured(m.cfg, cfg)
	if err != nil {
		return
	}
	m.expire(now)
	if next.WindowCalls != m.cfg.WindowCalls || next.WindowTime != m.cfg.WindowTime {
		m.ended = nil
	}
	m.cfg = next
	if next.SlowRate == 0 {
		for call, c := range m.running {
			c.recorded = false
			m.running[call] = c
		}
	}
}

// Stats says what the breaker's Stats should be, but for Name and Last; Until is
// returned apart, as a duration, and 0 for a zero time.
func (m *Model) Stats(now time.Duration) (s resilience.Stats, until time.Duration) {
	found := m.Clone()
	found.settle(now)
	s = resilience.StatsOf(found.cfg)
	s.Name = ""
	s.State, s.Mode, s.Reopened = found.state, found.mode, found.reopened
	s.ProbesPassed, s.ProbesOut = found.passed, len(found.probes)
	if found.state == resilience.Closed && found.counting(now) || found.mode == resilience.ModeClosed {
		s.Counts = found.counts(now)
	}
	if now < found.until {
		until = found.until
	}
	return s, until
}

// settle makes the changes that are due before another call.
func (m *Model) settle(now time.Duration) {
	if m.mode == resilience.ModeOpen || m.mode == resilience.ModeClosed {
		return
	}
	m.expire(now)
	m.pass(now)
	if m.state == resilience.Open && now >= m.until {
		m.change(now, resilience.HalfOpen, resilience.Counts{})
	}
	if m.state == resilience.Closed && m.counting(now) {
		if counts := m.counts(now); m.slowMet(counts) {
			m.trip(now, counts)
		}
	}
}

func (m *Model) counting(now time.Duration) bool {
	return m.mode == resilience.ModeAutomatic || m.mode == resilience.ModeObserve && now >= m.until
}

// counts counts everything anew.
func (m *Model) counts(now time.Duration) resilience.Counts {
	c := resilience.Counts{Failures: m.failures}
	for i, e := range m.ended {
		if !m.inWindow(now, i, e) {
			continue
		}
		c.Calls++
		if e.failed {
			c.Failed++
		}
		if e.slow {
			c.Slow++
		}
	}
	for _, r := range m.running {
		if r.generation == m.generation && r.recorded && now-r.begin >= m.cfg.SlowAfter {
			c.Overdue++
		}
	}
	return c
}

func (m *Model) inWindow(now time.Duration, i int, e endedCall) bool {
	switch {
	case m.cfg.WindowCalls > 0:
		return len(m.ended)-i <= m.cfg.WindowCalls
	case m.cfg.WindowTime > 0:
		tenth := (m.cfg.WindowTime + 9) / 10
		return e.at/tenth > now/tenth-10
	default:
		return false
	}
}

func (m *Model) met(rate float64, part, calls int) bool {
	return rate > 0 && calls >= m.cfg.MinCalls && calls > 0 && float64(part)/float64(calls) >= rate
}

func (m *Model) slowMet(c resilience.Counts) bool {
	return m.met(m.cfg.SlowRate, c.Slow+c.Overdue, c.Calls+c.Overdue)
}

// lost returns when the first lease ended, of those that have.
func (m *Model) lost(now time.Duration) (ended time.Duration, lost bool) {
	for _, p := range m.probes {
		if now >= p.lease && (!lost || p.lease < ended) {
			ended, lost = p.lease, true
		}
	}
	return ended, lost
}

func (m *Model) expire(now time.Duration) {
	if ended, lost := m.lost(now); lost {
		m.change(ended, resilience.Open, resilience.Counts{})
	}
}

func (m *Model) pass(now time.Duration) {
	if m.state == resilience.HalfOpen && m.passed >= m.cfg.Probes {
		m.change(now, resilience.Closed, resilience.Counts{})
	}
}

func (m *Model) trip(now time.Duration, counts resilience.Counts) {
	if m.mode != resilience.ModeObserve {
		m.change(now, resilience.Open, counts)
		return
	}
	m.start(now)
	m.until = now + m.cfg.OpenFor
	m.Changes = append(m.Changes, Change{resilience.Closed, resilience.Open, now, m.until, counts, true})
}

func (m *Model) change(now time.Duration, to resilience.State, counts resilience.Counts) {
	from := m.state
	if from == resilience.HalfOpen && to == resilience.Open {
		m.reopened++
	}
	if to == resilience.Closed {
		m.reopened = 0
	}
	m.state = to
	m.start(now)
	m.Changes = append(m.Changes, Change{From: from, To: to, At: now, Until: m.until, Counts: counts})
}

func (m *Model) start(now time.Duration) {
	m.generation++
	m.failures, m.ended, m.probes, m.passed, m.until = 0, nil, nil, 0, 0
	if m.state == resilience.Open && m.mode != resilience.ModeOpen {
		open := float64(m.cfg.OpenFor)
		for range m.reopened {
			open = min(open*m.cfg.OpenGrowth, float64(m.cfg.OpenMax))
		}
		m.until = now + time.Duration(open)
	}
}

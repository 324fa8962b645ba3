package flaky

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Where a document comes from.
const (
	sourceBoot = "boot" // FLAKY_FAULTS
	sourceFile = "file" // FLAKY_FAULTS_FILE
	sourceAPI  = "api"  // /faults
)

// A profile is the document in force, and whose it is. It is replaced as a whole and its
// document never changes.
type profile struct {
	Document
	source     string
	drawn      bool // the seed was, because the document had none
	since      time.Time
	number     uint64                  // from 1, of those that were in force
	superseded chan struct{}           // closed when another is in force
	arrivals   atomic.Uint64           // requests since then
	current    atomic.Pointer[episode] // the latest that anybody asked for
}

// profileName returns what the boot profile is called.
func (c *Config) profileName() string {
	switch {
	case c.Profile != "":
		return c.Profile
	case c.Faults.Healthy(0):
		return "healthy"
	}
	return "custom"
}

// apply puts a document in force. Requests that were decided before keep their decision.
func (s *Service) apply(d Document, source string) {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.applyLocked(d, source)
}

func (s *Service) applyLocked(d Document, source string) {
	s.replaceLocked(&profile{Document: d, source: source})
}

// replaceLocked puts a profile in force of which document, source and drawn are known.
func (s *Service) replaceLocked(p *profile) {
	if p.Seed == 0 {
		p.Seed, p.drawn = 1+rand.Uint64N(maxSeed), true
	}
	now := time.Now()
	p.since, p.number, p.superseded = now, 1, make(chan struct{})
	old := s.inForce.Load()
	if old != nil {
		p.number = old.number + 1
	}
	s.inForce.Store(p)
	s.pool.configure(p, now)
	if old != nil {
		close(old.superseded)
	}
}

// homeLocked returns the document that DELETE returns to, and its source.
func (s *Service) homeLocked() (Document, string) {
	if s.file != nil && s.file.document != nil {
		return *s.file.document, sourceFile
	}
	return s.cfg.Faults, sourceBoot
}

// episode returns what is in force at a moment. It never goes back to an earlier episode:
// of two requests at a boundary the slower one may ask for a moment that has passed.
func (p *profile) episode(now time.Time) *episode {
	elapsed := now.Sub(p.since)
	for {
		e := p.current.Load()
		if e != nil && (elapsed < e.ends || e.ends == 0) {
			return e
		}
		if next := p.episodeAt(elapsed); p.current.CompareAndSwap(e, next) {
			return next
		}
	}
}

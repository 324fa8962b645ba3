package flaky

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// Status is the answer of every request at /faults.
type Status struct {
	ServedBy string   `json:"served_by"`
	Profile  string   `json:"profile"` // what the boot profile is called
	Faults   Document `json:"faults"`  // in force
	// SeedDrawn says that the document had no seed, so that this replica drew its own.
	SeedDrawn bool      `json:"seed_drawn,omitempty"`
	Source    string    `json:"source"` // where they came from: "boot", "file" or "api"
	Since     time.Time `json:"since"`
	Changes   uint64    `json:"changes"` // documents that were in force before; 0: it is as it was born
	Healthy   bool      `json:"healthy"` // they inject nothing, now or later
	// Phase is where the schedule is.
	Phase *PhaseStatus `json:"phase,omitempty"`
	// DownUntil is when the listener comes back after an injected crash.
	DownUntil time.Time `json:"down_until,omitzero"`
	Boot      Document  `json:"boot"` // what DELETE returns to, where no file says otherwise
	// BootHealthy says that the boot profile injects nothing: who dials faults by hand
	// leaves the replicas alone that were born with some.
	BootHealthy bool `json:"boot_healthy"`
	// File is the fault file, to which DELETE returns unless it is empty.
	File *FileStatus `json:"file,omitempty"`
}

// PhaseStatus says which of a schedule's phases is in force.
type PhaseStatus struct {
	Index int       `json:"index"` // from 0; -1: the schedule is over
	Of    int       `json:"of"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // no time: for ever
}

// FileStatus is what is known of the fault file.
type FileStatus struct {
	Path   string    `json:"path"`
	Faults *Document `json:"faults,omitempty"` // the latest valid version; absent where it was empty
	Error  string    `json:"error,omitempty"`  // why the file as it is changes nothing
}

// statusLocked needs applying, so that file and profile are of one moment.
func (s *Service) statusLocked() Status {
	now, p := time.Now(), s.inForce.Load()
	status := Status{
		ServedBy: s.cfg.Name, Profile: s.cfg.profileName(), Faults: p.Document, SeedDrawn: p.drawn, Source: p.source, Since: p.since, Changes: p.number - 1, Healthy: p.Healthy(now.Sub(p.since)),
		Boot: s.cfg.Faults, BootHealthy: s.cfg.Faults.Healthy(0),
	}
	if len(p.Schedule) > 0 {
		e := p.episode(now)
		status.Phase = &PhaseStatus{Index: e.index, Of: len(p.Schedule), Since: p.since.Add(e.begins)}
		if e.ends > 0 {
			status.Phase.Until = p.since.Add(e.ends)
		}
	}
	if from, to, crash := p.outageAt(now.Sub(p.since)); crash != nil && s.cfg.Exit == nil && now.Sub(p.since) >= from {
		status.DownUntil = p.since.Add(to)
	}
	if f := s.file; f != nil {
		status.File = &FileStatus{Path: f.path, Faults: f.document, Error: f.problem}
	}
	return status
}

func (s *Service) getFaults(c *gin.Context) {
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", s.status())
}

func (s *Service) status() Status {
	s.applying.Lock()
	defer s.applying.Unlock()
	return s.statusLocked()
}

// putFaults replaces the document. One with a problem changes nothing.
func (s *Service) putFaults(c *gin.Context) {
	body, ok := document.Body(c.Writer, c.Request)
	if !ok {
		return
	}
	d, err := ParseDocument(body)
	s.change(c, func() (*profile, error) { return &profile{Document: d, source: sourceAPI}, err })
}

// patchFaults changes a part of the document in force: the body is a JSON merge patch,
// RFC 7396, and null takes a fault away. The seed stays; schedule and counts begin anew.
func (s *Service) patchFaults(c *gin.Context) {
	body, ok := document.Body(c.Writer, c.Request)
	if !ok {
		return
	}
	err := document.Check(body) // names that are there twice would be gone after merging
	s.change(c, func() (*profile, error) {
		if err != nil {
			return nil, err
		}
		old := s.inForce.Load()
		whole, err := json.Marshal(old.Document)
		if err != nil {
			return nil, err
		}
		var seed struct{ Seed json.RawMessage }
		_ = json.Unmarshal(body, &seed) // what is no object has been refused
		d, err := ParseDocument(document.Merge(whole, body))
		return &profile{Document: d, source: sourceAPI, drawn: old.drawn && seed.Seed == nil}, err
	})
}

// deleteFaults returns to the file's document or, where there is none, to the boot profile.
func (s *Service) deleteFaults(c *gin.Context) {
	s.change(c, func() (*profile, error) {
		d, source := s.homeLocked()
		return &profile{Document: d, source: source}, nil
	})
}

// change puts in force what next returns, or answers why it cannot.
func (s *Service) change(c *gin.Context, next func() (*profile, error)) {
	status, err := s.replaceBy(next)
	if err != nil {
		document.Refused(err).Write(c.Writer)
		return
	}
	s.tel.Logger.InfoContext(c.Request.Context(), "faults set", "source", status.Source, "faults", status.Faults)
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", status)
}

// replaceBy puts in force what next returns. Nobody else changes anything between the two, or
// before the status is taken.
func (s *Service) replaceBy(next func() (*profile, error)) (Status, error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	p, err := next()
	if err != nil {
		return Status{}, err
	}
	s.replaceLocked(p)
	return s.statusLocked(), nil
}

// getStats answers with counts, and with the arrivals of the last ?window, 1s if it does
// not say.
func (s *Service) getStats(c *gin.Context) {
	window := time.Second
	if text, given := c.GetQuery("window"); given {
		var err error
		if window, err = time.ParseDuration(text); err != nil || window < bucketWidth || window > maxWindow {
			field := problem.Field{Field: "window", Value: text, Allowed: "a duration from 10ms to 1m"}
			problem.New(http.StatusBadRequest, field.String(), field).Write(c.Writer)
			return
		}
	}
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", s.read(window))
}

func (s *Service) read(window time.Duration) Stats {
	now := time.Now()
	stats := s.stats.read(now, window)
	stats.ServedBy = s.cfg.Name
	stats.Busy, stats.Queue, stats.QueueSeconds = s.pool.load(now)
	return stats
}

package flaky

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/problem"
)

// maxDocument bounds a fault document's size.
const maxDocument = 64 << 10

// maxProblems bounds an answer that names problems: a document of nothing else would make
// one many times its own size.
const maxProblems = 50

// Status is the answer of every request at /faults.
type Status struct {
	ServedBy string    `json:"served_by"`
	Faults   Faults    `json:"faults"` // in force
	Source   string    `json:"source"` // where they came from: "boot" or "api"
	Since    time.Time `json:"since"`
	Boot     Faults    `json:"boot"` // what DELETE returns to
	// BootHealthy says that the boot profile injects nothing: who dials faults by hand
	// leaves the replicas alone that were born with some.
	BootHealthy bool `json:"boot_healthy"`
}

func (s *Service) getFaults(c *gin.Context) {
	now := s.inForce.Load()
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", Status{
		ServedBy: s.cfg.Name, Faults: now.faults, Source: now.source, Since: now.since,
		Boot: s.cfg.Faults, BootHealthy: s.cfg.Faults.healthy(),
	})
}

// putFaults replaces the document. One with a problem changes nothing.
func (s *Service) putFaults(c *gin.Context) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxDocument))
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			status = http.StatusRequestEntityTooLarge
		}
		problem.New(status, "the fault document could not be read: "+err.Error()).Write(c.Writer)
		return
	}
	faults, err := ParseFaults(body)
	if bad, ok := errors.AsType[problem.Fields](err); ok {
		detail := fmt.Sprintf("the fault document has %d problem(s); nothing was changed", len(bad))
		problem.New(http.StatusBadRequest, detail, bad[:min(len(bad), maxProblems)]...).Write(c.Writer)
		return
	}
	s.apply(faults, "api")
	s.tel.Logger.InfoContext(c.Request.Context(), "faults set", "faults", s.inForce.Load().faults)
	s.getFaults(c)
}

func (s *Service) deleteFaults(c *gin.Context) {
	s.apply(s.cfg.Faults, "boot")
	s.tel.Logger.InfoContext(c.Request.Context(), "faults as at the start", "faults", s.inForce.Load().faults)
	s.getFaults(c)
}

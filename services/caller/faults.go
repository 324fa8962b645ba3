package caller

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// FaultsAnswer is the answer of every request at /api/faults.
type FaultsAnswer struct {
	Replicas []Replica `json:"replicas"`
}

// faultsFailure is a problem document with the same members.
type faultsFailure struct {
	problem.Document
	FaultsAnswer
}

func (s *Service) getFaults(c *gin.Context) {
	if !s.hasFaultControls(c) {
		return
	}
	found, err := s.replicas.all(c.Request.Context())
	s.answerFaults(c, found, err)
}

// putFaults gives every replica that was born healthy the document in the body.
func (s *Service) putFaults(c *gin.Context) {
	if !s.hasFaultControls(c) {
		return
	}
	body, ok := document.Body(c.Writer, c.Request)
	if !ok {
		return
	}
	s.writeFaults(c, http.MethodPut, body)
}

// deleteFaults returns them to what they were born with.
func (s *Service) deleteFaults(c *gin.Context) {
	if s.hasFaultControls(c) {
		s.writeFaults(c, http.MethodDelete, nil)
	}
}

func (s *Service) writeFaults(c *gin.Context, method string, body []byte) {
	found, err := s.replicas.write(c.Request.Context(), method, body)
	if errors.Is(err, errNoneHealthy) {
		problem.New(http.StatusConflict, err.Error()).Write(c.Writer)
		return
	}
	for _, r := range found {
		if r.refused != nil { // by one as by all: the document is wrong, not the replica
			r.refused.Write(c.Writer)
			return
		}
	}
	s.answerFaults(c, found, err)
}

// answerFaults says 502 unless every replica is known to be as the answer shows it.
func (s *Service) answerFaults(c *gin.Context, found []Replica, err error) {
	failed := 0
	for _, r := range found {
		if r.Error != "" {
			failed++
		}
	}
	switch {
	case err != nil:
		problem.New(http.StatusBadGateway, err.Error()).Write(c.Writer)
	case failed > 0:
		d := problem.New(http.StatusBadGateway, fmt.Sprintf("%d of %d replicas did not do as asked", failed, len(found)))
		problem.WriteJSON(c.Writer, d.Status, problem.ContentType, faultsFailure{d, FaultsAnswer{found}})
	default:
		problem.WriteJSON(c.Writer, http.StatusOK, "application/json", FaultsAnswer{found})
	}
}

func (s *Service) hasFaultControls(c *gin.Context) bool {
	if s.replicas == nil {
		problem.New(http.StatusNotFound, "there are no fault controls: "+EnvPrefix+"FLAKY_ADMIN_URL is not set").Write(c.Writer)
	}
	return s.replicas != nil
}

package caller

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
)

func (s *Service) getLoad(c *gin.Context) {
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", s.load.state(time.Now()))
}

// putLoad replaces the load. What the document leaves out is as by default.
func (s *Service) putLoad(c *gin.Context) {
	body, ok := document.Body(c.Writer, c.Request)
	if !ok {
		return
	}
	l, err := ParseLoad(body)
	if err != nil {
		document.Refused(err).Write(c.Writer)
		return
	}
	s.load.set(l)
	s.getLoad(c)
}

// deleteLoad returns to the load that caller was started with.
func (s *Service) deleteLoad(c *gin.Context) {
	s.load.set(s.cfg.Load)
	s.getLoad(c)
}

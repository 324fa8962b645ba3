package flaky

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/services/internal/engine"
)

// publicRoutes is what callers see, and what faults are injected into.
func (s *Service) publicRoutes() http.Handler {
	e := engine.New("flaky", s.tel)
	e.Use(s.signed)
	e.GET("/work", s.faulty, s.work)
	return e
}

// adminRoutes is for those who dial the faults. No fault ever touches it: a replica that
// could not be healed, or whose probes failed by injection, would be restarted.
func (s *Service) adminRoutes() http.Handler {
	e := engine.NewAdmin(s.tel)
	e.Use(s.signed)
	e.GET("/faults", s.getFaults)
	e.PUT("/faults", s.putFaults)
	e.DELETE("/faults", s.deleteFaults)
	e.GET("/metrics", gin.WrapH(s.tel.Metrics))
	return e
}

// signed says on every answer who gave it.
func (s *Service) signed(c *gin.Context) { c.Header(ServedBy, s.cfg.Name) }

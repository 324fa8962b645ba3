package flaky

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/services/internal/engine"
)

// publicRoutes is what callers see, and what faults are injected into.
func (s *Service) publicRoutes() http.Handler {
	e := engine.New("flaky", s.tel)
	e.GET("/work", s.faulty(routeWork, worked(s.cfg.Name)))
	e.POST("/charges", s.faulty(routeCharges, s.charge))
	e.GET("/charges", s.getCharges)
	return engine.SameOrigin(e)
}

// adminRoutes is for those who dial the faults. No fault ever touches it: a replica that
// could not be healed, or whose probes failed by injection, would be restarted.
func (s *Service) adminRoutes() http.Handler {
	e := engine.NewAdmin(s.tel)
	e.GET("/faults", s.getFaults)
	e.PUT("/faults", s.putFaults)
	e.PATCH("/faults", s.patchFaults)
	e.DELETE("/faults", s.deleteFaults)
	e.GET("/stats", s.getStats)
	e.GET("/charges", s.getCharges)
	e.GET("/metrics", gin.WrapH(s.tel.Metrics))
	return engine.SameOrigin(e)
}

package caller

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/internal/dashboard"
	"reliability/services/internal/engine"
)

// publicRoutes is the page, the protected call and what is behind the page.
func (s *Service) publicRoutes() http.Handler {
	e := engine.New("caller", s.tel)
	e.GET("/call", s.call)

	e.GET("/api/state", s.getState)
	e.GET("/api/faults", s.getFaults)
	e.PUT("/api/faults", s.putFaults)
	e.DELETE("/api/faults", s.deleteFaults)
	e.GET("/api/traces", s.getTraces)
	e.GET("/api/traces/:id", s.getTrace)

	mux := http.NewServeMux()
	mux.Handle("/", e)
	mux.Handle("GET /{$}", dashboard.Handler())
	mux.Handle("GET /assets/", dashboard.Handler())
	return engine.SameOrigin(mux)
}

// adminRoutes is for whoever runs this service.
func (s *Service) adminRoutes() http.Handler {
	e := engine.NewAdmin(s.tel)
	e.GET("/metrics", gin.WrapH(s.tel.Metrics))
	return e
}

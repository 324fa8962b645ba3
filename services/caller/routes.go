package caller

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"reliability/internal/dashboard"
	"reliability/services/internal/engine"
)

// publicRoutes is the page, and the API.
func (s *Service) publicRoutes() http.Handler {
	api, page := s.api(), dashboard.Handler()
	return engine.SameOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/assets/")) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			page.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}))
}

// api is the protected calls and what is behind the page; docs/api.md has each.
func (s *Service) api() *gin.Engine {
	e := engine.New("caller", s.tel)
	e.GET("/call", traceResponse, s.front.admit, s.call)
	e.POST("/orders", traceResponse, s.front.admit, s.order)

	e.GET("/api/state", s.getState)
	e.GET("/api/events", s.feed.stream)
	e.GET("/api/policy", s.getPolicy)
	e.PUT("/api/policy", s.putPolicy)
	e.PATCH("/api/policy", s.patchPolicy)
	e.DELETE("/api/policy", s.deletePolicy)
	e.GET("/api/load", s.getLoad)
	e.PUT("/api/load", s.putLoad)
	e.DELETE("/api/load", s.deleteLoad)
	e.POST("/api/breakers/:engine/:mode", s.forceBreaker)
	e.GET("/api/faults", s.getFaults)
	e.PUT("/api/faults", s.putFaults)
	e.PATCH("/api/faults", s.patchFaults)
	e.DELETE("/api/faults", s.deleteFaults)
	e.GET("/api/traces", s.getTraces)
	e.GET("/api/traces/:id", s.getTrace)
	return e
}

// adminRoutes is for whoever runs this service.
func (s *Service) adminRoutes() http.Handler {
	e := engine.NewAdmin(s.tel)
	e.GET("/metrics", gin.WrapH(s.tel.Metrics))
	return e
}

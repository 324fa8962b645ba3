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
	e.POST("/orders", traceResponse, readOrder, s.front.admit, s.order)
	e.POST("/charges", traceResponse, readOrder, s.front.admit, s.order) // as another caller asks for it

	e.GET("/api/state", s.getState)
	e.GET("/api/events", noQuery, s.feed.stream)
	e.GET("/api/history", noQuery, s.getHistory)
	e.GET("/api/policy", noQuery, s.getPolicy)
	e.PUT("/api/policy", noQuery, s.putPolicy)
	e.PATCH("/api/policy", noQuery, s.patchPolicy)
	e.DELETE("/api/policy", noQuery, s.deletePolicy)
	e.GET("/api/load", noQuery, s.getLoad)
	e.PUT("/api/load", noQuery, s.putLoad)
	e.DELETE("/api/load", noQuery, s.deleteLoad)
	e.POST("/api/breakers/:engine/:mode", noQuery, s.forceBreaker)
	e.GET("/api/faults", s.getFaults)
	e.PUT("/api/faults", s.changeFaults)
	e.PATCH("/api/faults", s.changeFaults)
	e.DELETE("/api/faults", s.changeFaults)
	e.GET("/api/traces", noQuery, s.getTraces)
	e.GET("/api/traces/:id", noQuery, s.getTrace)
	return e
}

// adminRoutes is for whoever runs this service.
func (s *Service) adminRoutes() http.Handler {
	e := engine.NewAdmin(s.tel)
	e.GET("/metrics", gin.WrapH(s.tel.Metrics))
	return e
}

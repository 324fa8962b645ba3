package caller

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/internal/dashboard"
	"reliability/internal/problem"
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

	// A page elsewhere must not change anything through a visitor's browser.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.New(http.StatusForbidden, "a change must come from a page of this origin, or from no page at all").Write(w)
	}))
	mux := http.NewServeMux()
	mux.Handle("/", e)
	mux.Handle("GET /{$}", dashboard.Handler())
	mux.Handle("GET /assets/", dashboard.Handler())
	return sameOrigin.Handler(mux)
}

// adminRoutes is for whoever runs this service.
func (s *Service) adminRoutes() http.Handler {
	e := engine.NewAdmin(s.tel)
	e.GET("/metrics", gin.WrapH(s.tel.Metrics))
	return e
}

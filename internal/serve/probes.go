package serve

import "net/http"

// lettingGo ends keep-alive while draining. It asks the client to close after its answer,
// where http.Server.SetKeepAlivesEnabled would close an idle connection at the very moment
// at which a client may be sending its next call.
func (s *Server) lettingGo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// withHeaders is around everything else, so that no answer of a handler is without them.
func (s *Server) withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range s.cfg.Headers {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// withProbes answers the probes before anything else could fail them.
func (s *Server) withProbes(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := s.notReady(); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	if next != nil {
		mux.Handle("/", next)
	}
	return mux
}

// notReady returns the most final reason there is to send no calls here, or "".
func (s *Server) notReady() string {
	switch {
	case s.draining.Load():
		return "draining"
	case s.down.Load():
		return "down"
	case s.cfg.Ready == nil:
		return ""
	}
	if err := s.cfg.Ready(); err != nil {
		return err.Error()
	}
	return ""
}

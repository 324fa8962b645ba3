package main

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// hang is an answer that does not come.
const hang = 0

// serve is the dependency: it answers by a script until the function it returns is called.
func serve(listener net.Listener) (stop func()) {
	var mu sync.Mutex // protects script
	script := map[string][]int{
		"GET /stock":    {http.StatusServiceUnavailable, http.StatusOK},
		"POST /charges": {http.StatusServiceUnavailable, http.StatusServiceUnavailable, http.StatusCreated},
		"GET /report":   {hang, hang, hang, hang, hang, http.StatusOK, http.StatusOK},
	}
	next := func(request string) (status int) {
		mu.Lock()
		defer mu.Unlock()
		answers := script[request]
		if len(answers) == 0 {
			return http.StatusNotFound
		}
		script[request] = answers[1:]
		return answers[0]
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := next(r.Method + " " + r.URL.Path)
		switch status {
		case hang:
			<-r.Context().Done()
			return
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // until it is closed
	return func() {
		_ = server.Close()
		serving.Wait()
	}
}

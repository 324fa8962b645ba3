package flaky

import (
	"net/http"

	"reliability/internal/problem"
)

// worked returns the work that GET /work does, which is none: the same answer every time.
func worked(name string) func(*http.Request, []byte) answer {
	a := answer{status: http.StatusOK, contentType: "application/json", body: problem.Encode(struct {
		Work     string `json:"work"`
		ServedBy string `json:"served_by"`
	}{"done", name})}
	return func(*http.Request, []byte) answer { return a }
}

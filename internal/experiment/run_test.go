package experiment_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"reliability/internal/experiment"
	"reliability/internal/experiment/world"
)

// TestCallsOfARunThatIsCutOff: a deployment has served before, and cannot say at the end how
// much of that this run was.
func TestCallsOfARunThatIsCutOff(t *testing.T) {
	served := 100
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/state", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"engines":{"handrolled":{"calls":%d}}}`, served)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{}`) })
	server := httptest.NewServer(mux)
	defer server.Close()
	w, err := world.Cluster(world.Running{Callers: []string{server.URL}, FlakyAdmin: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"to the end": 7, "cut off": 0} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := experiment.Execute(ctx, experiment.Experiment{Name: "e", Run: func(context.Context, *experiment.Run) error {
			if served += 7; name == "cut off" {
				cancel()
			}
			return nil
		}}, w, experiment.Options{Seed: 1})
		if r.Calls != want || (r.Err != "") != (name == "cut off") {
			t.Errorf("%s: %d calls, error %q; want %d", name, r.Calls, r.Err, want)
		}
	}
}

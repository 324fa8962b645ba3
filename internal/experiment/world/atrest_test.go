package world

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reliability/internal/memnet"
)

// fleetOf is a caller that knows of replicas: what it answers to each GET /api/faults, the last
// one for ever, until somebody deletes the faults.
func fleetOf(t *testing.T, deleted *int, status int, answers ...string) *Caller {
	t.Helper()
	var network memnet.Network
	listener, err := network.Listen("127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			*deleted++
			status, answers = http.StatusOK, []string{`{"replicas":[{"healthy":true}]}`}
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answers[0]))
		if len(answers) > 1 {
			answers = answers[1:]
		}
	})}
	go func() { _ = server.Serve(listener) }()
	client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Close()
	})
	return &Caller{api{client, "http://127.0.0.1:8080"}}
}

func TestAClusterAtRest(t *testing.T) {
	const sick = `{"replicas":[{"healthy":true},{"served_by":"flaky-1","profile":"slow","faults":{"error_rate":1}}]}`
	const away = `{"title":"Bad Gateway","replicas":[{"healthy":true},{"address":"10.0.0.1:8091","error":"GET /faults: refused"}]}`
	for _, c := range []struct {
		name    string
		status  int
		answers []string
		took    time.Duration
		want    string // of the error
	}{
		{"healthy", 200, []string{`{"replicas":[{"healthy":true}]}`}, 0, ""},
		{"no fault controls", 404, []string{`{"title":"Not Found"}`}, 0, ""},
		{"one is ending", 200, []string{sick, sick, `{"replicas":[{"healthy":true}]}`}, 2 * restPause, ""},
		{"sick", 200, []string{sick}, restLimit, `replica flaky-1 of profile slow injects {"error_rate":1}`},
		{"one does not answer", 502, []string{away}, restLimit, `the replica at 10.0.0.1:8091 does not answer`},
		{"none is found", 502, []string{`{"detail":"find flaky's replicas"}`}, restLimit, `find flaky's replicas`},
		{"no JSON", 200, []string{`<html>`}, restLimit, `invalid character`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				deleted := 0
				caller := fleetOf(t, &deleted, c.status, c.answers...)
				begin := time.Now()
				err := caller.atRest(t.Context())
				if took := time.Since(begin); took != c.took || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("after %v: %v; want %q after %v", took, err, c.want, c.took)
				}
				if deleted != 0 {
					t.Error("looking has changed something")
				}
				if err := caller.heal(t.Context()); err != nil || (deleted > 0) != (c.want != "") {
					t.Errorf("healed by %d DELETE: %v", deleted, err)
				}
			})
		})
	}
}

package server

import (
	"fmt"
	"net/http"

	"reliability/bench/internal/wire"
	"reliability/internal/problem"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
	"reliability/services/caller"
	"reliability/services/flaky"
)

// Flaky opens flaky without faults.
func Flaky(tel *telemetry.Telemetry) (*serve.Server, error) {
	service, err := flaky.New(flaky.Config{Addr: Anywhere, AdminAddr: Anywhere, Name: "flaky", Grace: wire.AnswerTimeout}, tel)
	if err != nil {
		return nil, err
	}
	return service.Listen(nil)
}

// Work is the body of flaky's GET /work.
func Work() []byte {
	return problem.Encode(struct {
		Work     string `json:"work"`
		ServedBy string `json:"served_by"`
	}{"done", "flaky"})
}

// Steady opens a dependency that answers as flaky without faults does, and does nothing
// else: no faults, no traces. Less of what is measured is the dependency.
func Steady(tel *telemetry.Telemetry) (*serve.Server, error) {
	body := Work()
	work := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Served-By", "flaky")
		_, _ = w.Write(body) // caller may be gone
	}
	return serve.Listen(serve.Config{
		Addr: Anywhere, AdminAddr: Anywhere, Public: http.HandlerFunc(work), Grace: wire.AnswerTimeout,
		Flush: tel.Shutdown, Logger: tel.Logger,
	})
}

// Caller returns what opens caller, configured by CALLER_* variables; its addresses are
// free ones, and it leaves at once.
func Caller(environ ...string) Listen {
	return func(tel *telemetry.Telemetry) (*serve.Server, error) {
		cfg, err := caller.LoadConfig(append([]string{
			"CALLER_ADDR=" + Anywhere, "CALLER_ADMIN_ADDR=" + Anywhere, "CALLER_NAME=caller", "CALLER_DRAIN=0s",
		}, environ...))
		if err != nil {
			return nil, fmt.Errorf("caller's configuration: %w", err)
		}
		service, err := caller.New(cfg, tel, caller.Network{})
		if err != nil {
			return nil, err
		}
		return service.Listen(nil)
	}
}

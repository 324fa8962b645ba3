package world

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// remember notes what a running deployment has in force, and returns what puts that back.
// What was there since the start is left to DELETE, which returns to that.
func (sys *System) remember(ctx context.Context) (restore func() error, err error) {
	var all []func(ctx context.Context) error
	for _, c := range sys.Callers {
		var policy struct {
			Source string          `json:"source"`
			Policy json.RawMessage `json:"policy"`
		}
		if err := c.ask(ctx, http.MethodGet, "/api/policy", nil, &policy); err != nil {
			return nil, err
		}
		var load struct {
			Load json.RawMessage `json:"load"`
		}
		if err := c.ask(ctx, http.MethodGet, "/api/load", nil, &load); err != nil {
			return nil, err
		}
		all = append(all,
			func(ctx context.Context) error { return c.putBack(ctx, "/api/policy", policy.Source, policy.Policy) },
			func(ctx context.Context) error { return c.putBack(ctx, "/api/load", fromAPI, load.Load) },
		)
	}
	if sys.Flaky != nil {
		var faults struct {
			Source string          `json:"source"`
			Faults json.RawMessage `json:"faults"`
		}
		if err := sys.Flaky.ask(ctx, http.MethodGet, "/faults", nil, &faults); err != nil {
			return nil, err
		}
		all = append(all, func(ctx context.Context) error {
			return sys.Flaky.putBack(ctx, "/faults", faults.Source, faults.Faults)
		})
	}
	return func() error {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), restoreLimit, errRestore) // also after Ctrl-C
		defer cancel()
		errs := []error{sys.Reset(ctx)}
		for _, back := range all {
			errs = append(errs, back(ctx))
		}
		return errors.Join(errs...)
	}, nil
}

// restoreLimit is how long a deployment has to take back what it had.
const restoreLimit = 10*time.Second + restLimit

var errRestore = errors.New("the deployment did not take back what it had in force before: look at its policy, load and faults")

// fromAPI is the source of a document that somebody has given by the API.
const fromAPI = "api"

func (a api) putBack(ctx context.Context, path, source string, doc json.RawMessage) error {
	if source != fromAPI {
		return a.ask(ctx, http.MethodDelete, path, nil, nil)
	}
	return a.ask(ctx, http.MethodPut, path, doc, nil)
}

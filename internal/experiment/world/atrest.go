package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"reliability/services/caller"
)

// Limits of waiting for a cluster to be at rest: a replica that an earlier experiment has
// scaled away is still seen while it drains.
const (
	restLimit = 20 * time.Second
	restPause = 500 * time.Millisecond
)

// atRest waits until caller knows of no replica that injects a fault. What is dialled by hand
// would be measured with the rest, and would be gone with the pods that an experiment replaces.
func (c *Caller) atRest(ctx context.Context) error {
	if err := c.untilAtRest(ctx, func(context.Context) {}); err != nil {
		return fmt.Errorf("the cluster is not at rest: %w; make reset takes back what is dialled", err)
	}
	return nil
}

// heal takes back what [Caller.Faults] has put in force, also at replicas that are about to end
// and no longer answer, which is no harm.
func (c *Caller) heal(ctx context.Context) error {
	return c.untilAtRest(ctx, func(ctx context.Context) { _ = c.ask(ctx, http.MethodDelete, "/api/faults", nil, nil) })
}

func (c *Caller) untilAtRest(ctx context.Context, otherwise func(context.Context)) error {
	limited, cancel := context.WithTimeout(ctx, restLimit)
	defer cancel()
	why := errors.New("caller does not answer")
	for {
		err := c.restless(limited)
		if err == nil || errors.Is(err, errNoFaultControls) {
			return nil
		}
		if limited.Err() == nil { // else it was cut off, which says nothing
			why = err
		}
		otherwise(limited)
		select {
		case <-time.After(restPause):
		case <-limited.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return why
		}
	}
}

var errNoFaultControls = errors.New("caller has no fault controls")

// restless says which replica is not as it should be.
func (c *Caller) restless(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/faults", nil)
	if err != nil {
		return err
	}
	status, text, _, err := c.send(req)
	if err != nil {
		return err
	}
	if status == http.StatusNotFound {
		return errNoFaultControls
	}
	var answer caller.FaultsAnswer // also of a problem document
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("GET %s: %w", req.URL, err)
	}
	for _, r := range answer.Replicas {
		switch {
		case r.Error != "":
			return fmt.Errorf("the replica at %s does not answer: %s", r.Address, r.Error)
		case !r.Healthy:
			return fmt.Errorf("replica %s of profile %s injects %s", r.ServedBy, r.Profile, r.Faults)
		}
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", req.URL, status, text)
	}
	return nil
}

package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"reliability/internal/experiment/load"
	"reliability/internal/experiment/world"
)

// Names in deploy/k8s that experiments in a cluster hold on to.
const (
	flakyPods   = "app.kubernetes.io/name=flaky" // every replica, whatever its profile
	healthyPods = flakyPods + ",reliability.dev/profile=healthy"
	flakyGood   = "flaky"        // Deployment: healthy
	flakyErrors = "flaky-errors" // Deployment: answers errors only
)

// Times that a cluster takes, which do not hang on the attempt timeout.
const (
	settleQuiet = 2 * time.Second
	settleLimit = 2 * time.Minute
)

// scaled runs f with Deployments of flaky scaled as given, and scales them back afterwards,
// also when ctx has ended.
func (r *Run) scaled(ctx context.Context, f func(ctx context.Context) error, deployments ...string) (err error) {
	for _, d := range deployments {
		n, err := r.Kube.Replicas(ctx, d)
		if err != nil {
			return err
		}
		defer func() {
			err = errors.Join(err, r.Kube.Scale(context.WithoutCancel(ctx), d, n))
		}()
	}
	return f(ctx)
}

// scale sets the replicas of both Deployments and waits until nobody else answers.
func (r *Run) scale(ctx context.Context, good, bad int) error {
	for deployment, n := range map[string]int{flakyGood: good, flakyErrors: bad} {
		if err := r.Kube.Scale(ctx, deployment, n); err != nil {
			return err
		}
	}
	return r.Kube.Settle(ctx, flakyPods, good+bad, settleQuiet, settleLimit, func(ctx context.Context) (string, error) {
		done := r.Caller().Call(ctx, world.Call{Order: "none"})
		if done.Err != nil {
			return "", done.Err
		}
		if len(done.Attempts) != 1 {
			return "", fmt.Errorf("a call without policies made %d attempts", len(done.Attempts))
		}
		return done.Attempts[0].ServedBy, nil // "" where nobody did
	})
}

// callsWhile makes a load while something is done to the cluster, which is given up when the
// load fails.
func (r *Run) callsWhile(ctx context.Context, plan load.Plan, do func(ctx context.Context) error) ([]Sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	samples, err := r.Calls(ctx, r.Caller(), "load", plan, nil)
	if err != nil {
		cancel()
	}
	return samples, errors.Join(err, <-done)
}

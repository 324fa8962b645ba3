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

// moreCalls is by how many a load is made longer while the cluster is not done.
const moreCalls = 200

// scaled runs f with Deployments of flaky scaled as given, and scales them back afterwards,
// also when ctx has ended. Who goes on after it finds them rolled out.
func (r *Run) scaled(ctx context.Context, f func(ctx context.Context) error, deployments ...string) (err error) {
	for _, d := range deployments {
		n, failed := r.Kube.Replicas(ctx, d) // not err, which the scaling back adds to
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, r.scaleBack(ctx, d, n)) }()
	}
	return f(ctx)
}

func (r *Run) scaleBack(ctx context.Context, deployment string, replicas int) error {
	back, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), settleLimit, errNotBack)
	defer cancel()
	if err := r.Kube.Scale(back, deployment, replicas); err != nil || ctx.Err() != nil {
		return err
	}
	return r.Kube.RolledOut(back, deployment)
}

var errNotBack = errors.New("the cluster did not take back what was changed: look at its Deployments, or make reset")

// scale sets the replicas of both Deployments and waits until nobody else answers. The policy
// in force is then one with a connection for each request: those that are kept would meet the
// same replica again and again.
func (r *Run) scale(ctx context.Context, good, bad int) error {
	if err := r.SetPolicy(ctx, world.Doc{"connections": world.Doc{"mode": "per_request"}}); err != nil {
		return err
	}
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

// callsWhile makes a load while something is done to the cluster, and until both have ended:
// a call is due every so often, plan.Calls at least, and no fewer than the doing takes.
func (r *Run) callsWhile(ctx context.Context, group string, plan load.Plan, do func(ctx context.Context) error) ([]Sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	begin := time.Now()
	samples, err := r.Calls(ctx, r.Caller(), group, plan, nil)
	for n := 2; err == nil; n++ {
		select {
		case err := <-done:
			return samples, err
		default:
		}
		after := time.Since(begin)
		var more []Sample
		more, err = r.Calls(ctx, r.Caller(), fmt.Sprintf("%s-%d", group, n), load.Plan{Calls: moreCalls, Every: plan.Every}, nil)
		for _, s := range more {
			s.Due += after
			samples = append(samples, s)
		}
	}
	cancel()
	return nil, errors.Join(err, <-done)
}

// oneByOne makes calls each after the end of the one before, so that a pool needs no second
// connection.
func (r *Run) oneByOne(ctx context.Context, group string, calls int, call world.Call) ([]Sample, error) {
	samples := make([]Sample, 0, calls)
	for i := range calls {
		one, err := r.Calls(ctx, r.Caller(), fmt.Sprintf("%s-%d", group, i), load.Plan{Calls: 1}, func(int) world.Call { return call })
		if err != nil {
			return nil, err
		}
		samples = append(samples, one...)
	}
	return samples, nil
}

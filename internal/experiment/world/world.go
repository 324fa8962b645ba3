// Package world is where experiments run: the same services, the same HTTP APIs, in virtual
// time over a network in memory, on this machine, or in a deployment somewhere.
package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"reliability/internal/memnet"
	"reliability/services/caller"
)

// Names of worlds.
const (
	NameSimulated = "simulated"
	NameLocal     = "local"
	NameCluster   = "cluster"
)

// Units of the worlds: the timeout of an attempt, in which experiments give all durations.
// On a laptop it is short, so that a person waits less, and long beside what a call costs there.
const (
	unitSimulated = 200 * time.Millisecond
	unitLocal     = 100 * time.Millisecond
	unitCluster   = 250 * time.Millisecond
)

// A World is where experiments run. It is safe for concurrent use.
type World struct {
	Name string
	Unit time.Duration

	listen  func(addr string) (net.Listener, error)
	network caller.Network
	running *Running // nil: services are started here
}

// A Running deployment is one that the experiments did not start.
type Running struct {
	Callers    []string // URLs of public listeners
	FlakyAdmin string   // URL of the admin listener; "": none can be reached
	Kube       *Kube    // nil: nothing is scaled
}

// Simulated is a world in virtual time. It must be made and used inside a bubble of
// [testing/synctest], one for each.
func Simulated() *World {
	var network memnet.Network
	return &World{
		Name: NameSimulated, Unit: unitSimulated, listen: network.Listen,
		network: caller.Network{
			DialContext: network.DialContext,
			LookupHost:  func(_ context.Context, host string) ([]string, error) { return []string{host}, nil },
		},
	}
}

// Local is this machine, in real time, over loopback.
func Local() *World {
	return &World{
		Name: NameLocal, Unit: unitLocal,
		listen: func(addr string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(context.Background(), "tcp", addr) // nothing to wait for
		},
		network: caller.Network{DialContext: (&net.Dialer{}).DialContext, LookupHost: net.DefaultResolver.LookupHost},
	}
}

// Cluster is a running deployment. The error names every URL that is none.
func Cluster(r Running) (*World, error) {
	var errs []error
	check := func(flag, url string) {
		if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			errs = append(errs, fmt.Errorf("%s is %q: must be an http:// or https:// URL", flag, url))
		}
	}
	for _, url := range r.Callers {
		check("--caller", url)
	}
	if r.FlakyAdmin != "" || r.Kube == nil {
		check("--flaky-admin", r.FlakyAdmin)
	}
	if len(r.Callers) == 0 {
		errs = append(errs, errors.New("--caller is not given: must be at least one URL"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &World{Name: NameCluster, Unit: unitCluster, network: caller.Network{DialContext: (&net.Dialer{}).DialContext}, running: &r}, nil
}

// Virtual reports whether the world's time is virtual, so that nothing takes any that is
// not told to.
func (w *World) Virtual() bool { return w.Name == NameSimulated }

// Setup is what an experiment needs.
type Setup struct {
	None    bool // no services at all
	Callers int  // beside each other; 0: 1
	Layers  int  // of callers that call each other, the last one flaky; 0: 1
	// MaxInFlight is how many clients' calls a caller takes at once. 0: as by default.
	MaxInFlight int
	// Kube is a cluster whose replicas are scaled; flaky's own API is not needed.
	Kube bool
}

// ErrNotHere is why a set-up cannot be had in a running deployment.
var ErrNotHere = errors.New("not in a running deployment")

// A System is the services of one experiment.
type System struct {
	// Callers are those beside each other or, of layers, the outermost first.
	Callers []*Caller
	Flaky   *Flaky
	Kube    *Kube // where the set-up asks for it

	client *http.Client
	ends   []func() error // in the order of their end
}

// Start brings up the services, or gives those of the running deployment policies and faults
// as they were started with. Close must be called.
func (w *World) Start(ctx context.Context, s Setup) (*System, error) {
	sys := &System{client: &http.Client{Transport: &http.Transport{
		DialContext: w.network.DialContext, MaxIdleConnsPerHost: maxIdle, DisableCompression: true,
	}}}
	var err error
	if w.running != nil {
		err = sys.join(ctx, *w.running, s)
	} else {
		err = sys.start(ctx, w, s)
	}
	if err == nil {
		err = sys.Reset(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, sys.Close())
	}
	return sys, nil
}

// maxIdle is how many connections to a caller are kept: more than calls at once.
const maxIdle = 1000

// join takes the services of a running deployment.
func (sys *System) join(ctx context.Context, r Running, s Setup) error {
	switch {
	case s.Layers > 1:
		return fmt.Errorf("%w: it needs %d layers of callers", ErrNotHere, s.Layers)
	case s.MaxInFlight > 0:
		return fmt.Errorf("%w: it needs a caller with CALLER_MAX_IN_FLIGHT=%d", ErrNotHere, s.MaxInFlight)
	case s.Kube && r.Kube == nil:
		return fmt.Errorf("%w whose replicas cannot be scaled: --kube-context is not given", ErrNotHere)
	case !s.Kube && r.FlakyAdmin == "":
		return fmt.Errorf("%w whose faults cannot be set: --flaky-admin is not given", ErrNotHere)
	case len(r.Callers) < s.Callers:
		return fmt.Errorf("%w: it needs %d callers, and --caller names %d", ErrNotHere, s.Callers, len(r.Callers))
	}
	for _, url := range r.Callers[:max(1, s.Callers)] {
		sys.Callers = append(sys.Callers, &Caller{api{sys.client, strings.TrimSuffix(url, "/")}})
	}
	if s.Kube {
		sys.Kube = r.Kube
		if err := sys.Callers[0].atRest(ctx); err != nil {
			return err
		}
	}
	if r.FlakyAdmin != "" {
		sys.Flaky = &Flaky{api{sys.client, strings.TrimSuffix(r.FlakyAdmin, "/")}}
	}
	restore, err := sys.remember(ctx)
	if err != nil {
		return err
	}
	sys.ends = append(sys.ends, restore)
	return nil
}

// Reset gives all services the policies and faults that they were started with, no load of
// their own, and breakers that are closed with nothing counted.
func (sys *System) Reset(ctx context.Context) error {
	var errs []error
	if sys.Flaky != nil {
		errs = append(errs, sys.Flaky.ask(ctx, http.MethodDelete, "/faults", nil, nil))
	}
	if sys.Kube != nil && len(sys.Callers) > 0 {
		errs = append(errs, sys.Callers[0].heal(ctx))
	}
	for _, c := range sys.Callers {
		errs = append(errs,
			c.ask(ctx, http.MethodDelete, "/api/policy", nil, nil),
			c.ask(ctx, http.MethodPut, "/api/load", document(`{"rate":0}`), nil),
			c.RenewBreaker(ctx, Handrolled),
			c.RenewBreaker(ctx, Gobreaker),
		)
	}
	return errors.Join(errs...) // one that does not answer keeps no other from it
}

// Served is how many requests the services have served, flaky's admin listener aside.
func (sys *System) Served(ctx context.Context) (int, error) {
	n := 0
	for _, c := range sys.Callers {
		state, err := c.State(ctx)
		if err != nil {
			return 0, err
		}
		for _, e := range state.Engines {
			n += int(e.Calls)
		}
	}
	if sys.Flaky == nil {
		return n, nil
	}
	stats, err := sys.Flaky.Stats(ctx, time.Second)
	return n + int(stats.Arrivals), err
}

// Close ends what Start has begun, callers first, and waits for it.
func (sys *System) Close() error {
	var errs []error
	for _, end := range sys.ends {
		errs = append(errs, end())
	}
	sys.client.CloseIdleConnections()
	return errors.Join(errs...)
}

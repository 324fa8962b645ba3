package cluster

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestCallersClientsLoseNoCall: caller has two pods, and a client opens a connection for each call. All its calls
// meet one of the pods, by the Service's affinity, until that pod goes. The calls go without policies: here it is
// not caller's patience with flaky that is tested, which a machine that is busy can try.
func TestCallersClientsLoseNoCall(t *testing.T) {
	leaveReset(t)
	scaleCaller(t, 2)
	defer scaleCaller(t, 1)

	t.Run("deleted", func(t *testing.T) {
		c := startClient(t)
		old := c.pinned(t)
		deletePod(t, old)
		moved(t, old)
		callersReady(t, 2)
		// And the one that it has moved to, so that it comes through whichever way the affinity points.
		next := c.pinned(t)
		deletePod(t, next)
		moved(t, next)
		callersReady(t, 2)
		c.stop()
		measured(t, "two of two callers deleted, one after the other: %s", c)
		c.wantNoneLost(t, 0)
	})
	t.Run("rolled out", func(t *testing.T) {
		c := startClient(t)
		old := c.pinned(t)
		for _, args := range [][]string{{"restart"}, {"status", "--timeout=90s"}} {
			if _, err := kubectl(t.Context(), append([]string{"rollout", args[0], "deployment/caller"}, args[1:]...)...); err != nil {
				t.Fatal(err)
			}
		}
		moved(t, old)
		callersReady(t, 2)
		c.stop()
		measured(t, "two callers rolled out: %s", c)
		c.wantNoneLost(t, 0)
	})
	// The kubelet kills after two seconds, so that calls of three seconds are cut off in the middle. Nothing else may
	// be: no call that began when another pod answered already.
	t.Run("killed", func(t *testing.T) {
		inject(t, `{"latency":{"value":"3s"}}`)
		c := startClient(t)
		eventually(t, 20*time.Second, "calls are in flight", func() error {
			if n := c.running(); n < 100 {
				return fmt.Errorf("only %d are", n)
			}
			return nil
		})
		old := c.pinned(t)
		if _, err := kubectl(t.Context(), "delete", "pod", old, "--force", "--grace-period=0"); err != nil {
			t.Fatal(err)
		}
		inFlight := c.running()
		moved(t, old)
		after := time.Now()
		callersReady(t, 2)
		c.stop()
		measured(t, "a caller killed with %d calls in flight: %s", inFlight, c)
		c.wantNoneLost(t, inFlight)
		c.wantNoneLostSince(t, after)
	})
}

func scaleCaller(t *testing.T, n int) {
	t.Helper()
	if _, err := kubectl(always(t), "scale", "deployment/caller", fmt.Sprintf("--replicas=%d", n)); err != nil {
		t.Fatal(err)
	}
	if _, err := kubectl(always(t), "rollout", "status", "deployment/caller", "--timeout=60s"); err != nil {
		t.Fatal(err)
	}
	callersReady(t, n)
}

// callersReady waits until so many callers serve, and no other pod of caller is left.
func callersReady(t *testing.T, n int) {
	t.Helper()
	eventually(t, time.Minute, fmt.Sprintf("%d callers serve, and no more", n), func() error {
		if got := serving(t, "caller"); len(got) != n {
			return fmt.Errorf("there are %v", got)
		}
		return gone(t, "app.kubernetes.io/name=caller", n)
	})
}

func deletePod(t *testing.T, name string) {
	t.Helper()
	if _, err := kubectl(t.Context(), "delete", "pod", name, "--wait=false"); err != nil {
		t.Fatal(err)
	}
}

// moved waits until the client's calls meet another pod than this one.
func moved(t *testing.T, old string) {
	t.Helper()
	eventually(t, 30*time.Second, "calls meet another pod than "+old, func() error {
		s, err := state(t)
		if err == nil && s.Instance == old {
			err = fmt.Errorf("not yet")
		}
		return err
	})
}

// A client makes calls at a rate, each by a connection of its own, whether or not earlier ones are done.
type client struct {
	stop func() // ends it, and waits for the calls that run

	mu                     sync.Mutex // protects what follows
	calls                  int
	inFlight, mostInFlight int
	lost                   []lostCall
}

type lostCall struct {
	begun time.Time
	why   string
}

// pinned returns the pod that this machine's connections meet.
func (c *client) pinned(t *testing.T) string {
	t.Helper()
	s, err := state(t)
	if err != nil {
		t.Fatal(err)
	}
	return s.Instance
}

// startClient begins to make 50 calls a second.
func startClient(t *testing.T) *client {
	const interval = 20 * time.Millisecond
	c := &client{}
	ending := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ending:
				return
			case <-ticker.C:
				running.Go(func() { c.call(t) })
			}
		}
	})
	var once sync.Once
	c.stop = func() { once.Do(func() { close(ending) }); running.Wait() }
	t.Cleanup(c.stop)
	return c
}

func (c *client) call(t *testing.T) {
	c.mu.Lock()
	c.calls++
	c.inFlight++
	c.mostInFlight = max(c.mostInFlight, c.inFlight)
	c.mu.Unlock()
	start := time.Now()
	res, body, err := request(t, http.MethodGet, callerURL+"/call?order=none", "")
	switch {
	case err != nil:
	case res.StatusCode != http.StatusOK:
		err = fmt.Errorf("answered %d: %.600s", res.StatusCode, body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	if err != nil {
		c.lost = append(c.lost, lostCall{start, fmt.Sprintf("%s, after %s: %v",
			start.Format("15:04:05.000"), time.Since(start).Round(time.Millisecond), err)})
	}
}

func (c *client) running() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inFlight
}

func (c *client) wantNoneLostSince(t *testing.T, when time.Time) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lost {
		if l.begun.After(when) {
			t.Errorf("a call was lost that began after the pod had gone: %s", l.why)
		}
	}
}

func (c *client) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d of %d calls lost, %d at once at most", len(c.lost), c.calls, c.mostInFlight)
}

func (c *client) wantNoneLost(t *testing.T, but int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lost) > but {
		t.Errorf("%d of %d calls were lost, want %d at most, the first ones:", len(c.lost), c.calls, but)
		for _, l := range c.lost[:min(len(c.lost), 10)] {
			t.Errorf("  %s", l.why)
		}
	}
	if c.calls < 50 {
		t.Errorf("only %d calls were made", c.calls)
	}
}

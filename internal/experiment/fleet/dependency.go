// Package fleet is many callers of the library against one modelled dependency, in virtual
// time: what one caller does that is harmless, a thousand do at once.
package fleet

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Replicas is how many replicas the dependency has. They fail together, as they do when
// what they all stand on fails.
const Replicas = 100

// BucketWidth is the width of the buckets that arrivals are counted in.
const BucketWidth = 10 * time.Millisecond

// errDown is what a dependency answers that is down.
var errDown = errors.New("503 Service Unavailable")

// A dependency serves its callers until it stalls, answers nobody until it goes down, fails
// at once while it is down, and is back then. It is safe for concurrent use.
type dependency struct {
	Times
	begin time.Time
	down  chan struct{} // closed when it goes down

	mu       sync.Mutex // protects what follows
	arrivals map[int]int
}

func newDependency(t Times) *dependency {
	d := &dependency{Times: t, begin: time.Now(), down: make(chan struct{}), arrivals: map[int]int{}}
	time.AfterFunc(t.Down, func() { close(d.down) })
	return d
}

// serve is one request. It says whether the request was there when the dependency went down.
func (d *dependency) serve(ctx context.Context) (stalled bool, err error) {
	at := d.arrive()
	switch {
	case at < d.Stall || at >= d.Back:
		return false, sleep(ctx, d.Latency)
	case at >= d.Down:
		return false, errDown
	}
	select {
	case <-d.down:
		return true, errDown
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (d *dependency) arrive() time.Duration {
	at := time.Since(d.begin)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.arrivals[int(at/BucketWidth)]++
	return at
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

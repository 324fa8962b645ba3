package resilience

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// CompartmentConfig configures a [Compartment].
type CompartmentConfig struct {
	// Name is the dependency's name in events and errors. "": "default".
	Name string
	// MaxConcurrent is how many calls may run at once. Required, 1 or above.
	MaxConcurrent int
	// MaxQueue is how many more may wait for their turn. 0: none, a call is turned away
	// when all slots are taken.
	MaxQueue int
	// MaxWait is how long a call may wait. 0: as long as its context lasts.
	MaxWait time.Duration
	// Observer is told of rejections. Nil: nobody.
	Observer Observer
}

// Validate reports every field that cannot be accepted.
func (c CompartmentConfig) Validate() error {
	var bad fieldErrors
	bad.require(c.MaxConcurrent >= 1 && c.MaxConcurrent <= math.MaxInt32, "CompartmentConfig.MaxConcurrent", c.MaxConcurrent, "1 to 2147483647")
	bad.require(c.MaxQueue >= 0 && c.MaxQueue <= math.MaxInt32, "CompartmentConfig.MaxQueue", c.MaxQueue, "0 to 2147483647")
	bad.require(c.MaxWait >= 0 && c.MaxWait <= maxDelayAllowed, "CompartmentConfig.MaxWait", c.MaxWait, "0 to 24h")
	bad.require(c.MaxWait == 0 || c.MaxQueue > 0, "CompartmentConfig.MaxWait", c.MaxWait, "0 without a MaxQueue: nobody waits")
	return errors.Join(bad...)
}

// A Compartment is what a [Bulkhead] is made of: a number of slots and a queue before
// them, first come, first served. It is safe for concurrent use.
type Compartment struct {
	name     string
	observer Observer

	mu      sync.Mutex // protects what follows
	cfg     CompartmentConfig
	running int
	queue   []*waiter // the next one first
}

// A waiter is a call in the queue.
type waiter struct{ admitted chan struct{} }

// CompartmentStats says how full a compartment is.
type CompartmentStats struct {
	Name                    string
	Running, Waiting        int
	MaxConcurrent, MaxQueue int
}

// NewCompartment returns an empty compartment.
func NewCompartment(cfg CompartmentConfig) (*Compartment, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("resilience: new compartment: %w", err)
	}
	setDefault(&cfg.Name, "default")
	return &Compartment{name: cfg.Name, observer: cfg.Observer, cfg: cfg}, nil
}

// Stats returns how full the compartment is.
func (c *Compartment) Stats() CompartmentStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return CompartmentStats{
		Name: c.name, Running: c.running, Waiting: len(c.queue),
		MaxConcurrent: c.cfg.MaxConcurrent, MaxQueue: c.cfg.MaxQueue,
	}
}

// Reconfigure changes the limits while calls are in flight. Calls beyond a lowered limit
// run to their end, and those that wait go on waiting. Name must be the same or empty,
// and Observer is not read.
func (c *Compartment) Reconfigure(cfg CompartmentConfig) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var bad fieldErrors
	bad.require(cfg.Name == "" || cfg.Name == c.name, "CompartmentConfig.Name", cfg.Name, fmt.Sprintf("empty or %q, which stays", c.name))
	if err := errors.Join(cfg.Validate(), errors.Join(bad...)); err != nil {
		return fmt.Errorf("resilience: reconfigure compartment %q: %w", c.name, err)
	}
	c.cfg = cfg
	c.admitLocked()
	return nil
}

// enter takes a slot, waiting for one if it may. It returns nil or a [*BulkheadError].
func (c *Compartment) enter(ctx context.Context) error {
	c.mu.Lock()
	switch {
	case c.running < c.cfg.MaxConcurrent && len(c.queue) == 0:
		c.running++
		c.mu.Unlock()
		return nil
	case len(c.queue) >= c.cfg.MaxQueue:
		defer c.mu.Unlock()
		return c.rejectionLocked(BulkheadFull, nil)
	case ctx.Err() != nil: // a slot might be had at once, but a call that nobody waits for must not queue
		defer c.mu.Unlock()
		return c.rejectionLocked(BulkheadContext, ctx)
	}
	w := &waiter{admitted: make(chan struct{})}
	c.queue = append(c.queue, w)
	maxWait := c.cfg.MaxWait
	c.mu.Unlock()

	var timeUp <-chan time.Time // never, if there is no limit
	if maxWait > 0 {
		timer := time.NewTimer(maxWait)
		defer timer.Stop()
		timeUp = timer.C
	}
	select {
	case <-w.admitted:
		return nil
	case <-timeUp:
		return c.leaveQueue(w, BulkheadTimeout, nil)
	case <-ctx.Done():
		return c.leaveQueue(w, BulkheadContext, ctx)
	}
}

// leaveQueue gives up waiting. A slot that was handed over in the same moment is used if
// only patience had run out, and passed on if nobody waits for the call any more.
func (c *Compartment) leaveQueue(w *waiter, reason BulkheadReason, ended context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.queue {
		if other == w {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			return c.rejectionLocked(reason, ended)
		}
	}
	if reason == BulkheadTimeout {
		return nil
	}
	c.leaveLocked()
	return c.rejectionLocked(reason, ended)
}

// leave gives a slot back.
func (c *Compartment) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked()
}

func (c *Compartment) leaveLocked() {
	c.running--
	c.admitLocked()
}

// admitLocked hands free slots to those who wait.
func (c *Compartment) admitLocked() {
	for len(c.queue) > 0 && c.running < c.cfg.MaxConcurrent {
		first := c.queue[0]
		c.queue = c.queue[1:]
		c.running++
		close(first.admitted)
	}
}

// rejectionLocked makes the error. ended is the context whose end is the reason, or nil.
func (c *Compartment) rejectionLocked(reason BulkheadReason, ended context.Context) *BulkheadError {
	err := &BulkheadError{
		Compartment: c.name, Reason: reason, MaxConcurrent: c.cfg.MaxConcurrent, MaxQueue: c.cfg.MaxQueue, MaxWait: c.cfg.MaxWait,
	}
	if ended != nil {
		err.Cause, err.ctxErr = context.Cause(ended), ended.Err()
	}
	return err
}

func (c *Compartment) limits() CompartmentConfig {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg
}

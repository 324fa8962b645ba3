// Package bubble runs functions in virtual time outside of go test: a [testing/synctest]
// bubble needs a *testing.T, and package testing gives one only to tests.
package bubble

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Bubbles makes bubbles. It is safe for concurrent use; bubbles that run at once do not
// share their time.
type Bubbles struct {
	work    chan func(*testing.T)
	started sync.Once
}

// New returns a maker of bubbles. Its first bubble starts the testing package's main function,
// beside this one, with one test that never ends and whose subtests are the bubbles. That is
// what the package documents as preserved for "other systems that simulate go test". It
// stays until the process ends, so a process needs one.
func New() *Bubbles { return &Bubbles{work: make(chan func(*testing.T))} }

func (b *Bubbles) start() {
	testing.Init()
	if !flag.Parsed() {
		_ = flag.CommandLine.Parse(nil) // or testing would read the command's own arguments
	}
	go testing.Main(
		func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "virtual time", F: func(t *testing.T) {
			for f := range b.work {
				go f(t)
			}
		}}}, nil, nil)
}

// Run calls f in a bubble of its own, and returns f's error when f and every goroutine that
// it started have ended. A panic in f is an error. The context that f gets ends a moment of
// virtual time after ctx: a bubble cannot wait for what is outside, so it looks now and then.
func (b *Bubbles) Run(ctx context.Context, f func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.started.Do(b.start)
	ended := make(chan error, 1)
	b.work <- func(t *testing.T) {
		var err error
		ok := t.Run("bubble", func(t *testing.T) {
			synctest.Test(t, func(*testing.T) {
				defer func() {
					if r := recover(); r != nil {
						err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
					}
				}()
				inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
				defer cancel(nil)
				go follow(inner, ctx, cancel)
				err = f(inner)
			})
		})
		if !ok && err == nil {
			err = errors.New("the bubble did not end in order")
		}
		ended <- err
	}
	return <-ended
}

// lookEvery is the virtual time between two looks at what is outside.
const lookEvery = 100 * time.Millisecond

// follow ends inner when outer has ended, until inner has.
func follow(inner, outer context.Context, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if outer.Err() != nil {
				cancel(context.Cause(outer))
			}
		case <-inner.Done():
			return
		}
	}
}

package load_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/experiment/load"
)

func TestCallsBeginWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		began, due := make([]time.Duration, 5), make([]time.Duration, 5)
		err := load.Plan{Calls: 5, Every: time.Second}.Run(t.Context(), func(i int, at time.Time) {
			began[i], due[i] = time.Since(begin), at.Sub(begin)
			time.Sleep(time.Minute) // and nobody waits for it
		})
		want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}
		if diff := cmp.Diff(want, began) + cmp.Diff(want, due); diff != "" || err != nil {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
		if got := time.Since(begin); got != 64*time.Second {
			t.Errorf("it waited for %v; want until the last has ended", got)
		}
	})
}

func TestAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var calls atomic.Int32
		err := load.Plan{Calls: 100}.Run(t.Context(), func(int, time.Time) { calls.Add(1) })
		if err != nil || calls.Load() != 100 || time.Since(begin) != 0 {
			t.Errorf("%d calls in %v: %v", calls.Load(), time.Since(begin), err)
		}
	})
}

func TestItEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2500*time.Millisecond, func() { cancel(why) })
		var calls atomic.Int32
		begin := time.Now()
		err := load.Plan{Calls: 1000, Every: time.Second}.Run(ctx, func(int, time.Time) { calls.Add(1) })
		if !errors.Is(err, why) || calls.Load() != 3 || time.Since(begin) != 2500*time.Millisecond {
			t.Errorf("%v after %d calls and %v", err, calls.Load(), time.Since(begin))
		}
	})
}

package openloop

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestEvenly: calls begin at their moments, however long those before take.
func TestEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		began, start := map[time.Duration]int{}, time.Now()
		withheld := Load{Rate: 100}.Run(t.Context(), time.Second, func(_ context.Context, begin time.Time) {
			if late := time.Since(begin); late != 0 {
				t.Errorf("%v late", late)
			}
			mu.Lock()
			began[begin.Sub(start)]++
			mu.Unlock()
			time.Sleep(time.Minute)
		})
		if len(began) != 99 || withheld != 0 {
			t.Errorf("%d calls, %d withheld", len(began), withheld)
		}
		for at, n := range began {
			if n != 1 || at%(10*time.Millisecond) != 0 {
				t.Errorf("%d calls at %v", n, at)
			}
		}
		if took := time.Since(start); took != time.Minute+990*time.Millisecond {
			t.Errorf("returned after %v, and the last call after %v", took, time.Minute+990*time.Millisecond)
		}
	})
}

// TestItTakesItsTime: also when all calls have long returned.
func TestItTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		Load{Rate: 3}.Run(t.Context(), time.Second, func(context.Context, time.Time) {})
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestPoisson: the count is within five deviations, and so is that of gaps below the mean.
func TestPoisson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10000
		var moments []time.Time
		var mu sync.Mutex
		Load{Rate: 100, Poisson: rand.New(rand.NewPCG(1, 2))}.Run(t.Context(), n/100*time.Second, func(_ context.Context, begin time.Time) {
			mu.Lock()
			defer mu.Unlock()
			moments = append(moments, begin)
		})
		if d := math.Abs(float64(len(moments) - n)); d > 5*math.Sqrt(n) {
			t.Errorf("%d calls, want about %d", len(moments), n)
		}
		short := 0
		for i := 1; i < len(moments); i++ {
			if moments[i].Sub(moments[i-1]) < 10*time.Millisecond {
				short++
			}
		}
		p := 1 - 1/math.E
		if d := math.Abs(float64(short) - p*n); d > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%d gaps below the mean, want about %.0f", short, p*n)
		}
	})
}

func TestMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		made := 0
		withheld := Load{Rate: 100, Most: 3}.Run(t.Context(), time.Second, func(context.Context, time.Time) {
			mu.Lock()
			made++
			mu.Unlock()
			time.Sleep(495 * time.Millisecond)
		})
		// At 10, 20 and 30 ms and, when these have ended, at 510, 520 and 530.
		if made != 6 || withheld != 93 {
			t.Errorf("%d calls, %d withheld", made, withheld)
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Millisecond)
		defer cancel()
		start := time.Now()
		made := make(chan bool, 10)
		Load{Rate: 100}.Run(ctx, time.Hour, func(ctx context.Context, _ time.Time) {
			made <- true
			<-ctx.Done()
		})
		if took := time.Since(start); took != 25*time.Millisecond || len(made) != 2 {
			t.Errorf("%d calls in %v", len(made), took)
		}
	})
}

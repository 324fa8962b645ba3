package breakertest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// plans are the configurations that programs are run under: each is one to begin with
// and others to turn to. The numbers are small, so that short programs get far, and the
// times all different, so that one taken for another shows.
func plans() map[string][]resilience.BreakerConfig {
	consecutive := resilience.BreakerConfig{Failures: 2, OpenFor: 50, Probes: 2, Lease: 70}
	patient := consecutive
	patient.Failures, patient.Lease = 3, 90
	touchy := consecutive
	touchy.Failures = 1
	growing := consecutive
	growing.Failures, growing.Probes, growing.OpenGrowth, growing.OpenMax = 1, 1, 1.5, 100
	calls := resilience.BreakerConfig{FailureRate: 0.5, WindowCalls: 3, MinCalls: 2, OpenFor: 50, Probes: 1, Lease: 70}
	one := calls
	one.WindowCalls, one.MinCalls, one.FailureRate = 1, 1, 1
	times := resilience.BreakerConfig{FailureRate: 0.6, WindowTime: 100, MinCalls: 2, OpenFor: 50, Probes: 1, Lease: 70}
	slow := resilience.BreakerConfig{SlowRate: 0.5, SlowAfter: 30, WindowTime: 200, MinCalls: 2, OpenFor: 50, Probes: 1, Lease: 70}
	slower := slow
	slower.SlowAfter, slower.FailureRate, slower.Failures = 40, 0.75, 3
	slowCalls, slowTimes := slower, slower
	slowCalls.WindowTime, slowCalls.WindowCalls, slowCalls.Probes = 0, 4, 2
	slowTimes.Probes = 2
	more := consecutive
	more.OpenFor, more.Probes = 110, 3
	return map[string][]resilience.BreakerConfig{
		"consecutive": {consecutive, patient},
		"touchy":      {touchy},
		"growing":     {growing},
		"calls":       {calls, one},
		"times":       {times, slow},
		"slow":        {slow, slower, times},
		"everything":  {slowCalls, slowTimes},
		"limits":      {consecutive, more},
	}
}

// plan leaves out what the breaker under test refuses, and says so.
func plan(t testing.TB, newBreaker New, name string) []resilience.BreakerConfig {
	t.Helper()
	cfgs := plans()[name]
	if why := cannot(newBreaker, cfgs); why != "" {
		t.Skipf("not for this breaker: %s", why)
	}
	return cfgs
}

// cannot says what a breaker documents that it does otherwise, or "".
func cannot(newBreaker New, cfgs []resilience.BreakerConfig) string {
	b, err := newBreaker(cfgs[0])
	if err != nil {
		return err.Error()
	}
	ctx := context.Background()
	for range cfgs[0].Failures {
		if p, err := b.Acquire(ctx); err == nil {
			p.Done(ctx, resilience.Failure, errBoom)
		}
	}
	for _, cfg := range cfgs {
		if err := b.Reconfigure(cfg); err != nil {
			return err.Error()
		}
		if got := b.Stats().ProbesToClose; got != cfg.Probes {
			return fmt.Sprintf("open, and told that Probes is %d, it goes on with %d", cfg.Probes, got)
		}
	}
	return ""
}

// RunExhaustive runs every short program under every configuration, each in virtual
// time, and compares breaker and [Model] after each step.
func RunExhaustive(t *testing.T, newBreaker New) {
	t.Helper()
	for name := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfgs := plan(t, newBreaker, name)
			synctest.Test(t, func(t *testing.T) {
				steps := exhaustiveSteps(cfgs[0])
				n, err := Enumerate(steps, cfgs[0], func(p Program) error {
					return RunProgram(newBreaker, p, cfgs...)
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d programs of %d steps", n, steps)
			})
		})
	}
}

// exhaustiveSteps is how far a breaker gets in about a second. Rates have more limits to
// wait for.
func exhaustiveSteps(cfg resilience.BreakerConfig) int {
	steps := 7
	if cfg.FailureRate > 0 || cfg.SlowRate > 0 {
		steps = 6
	}
	if testing.Short() {
		steps -= 2
	}
	return steps
}

// unlessShort is how many of something a test does; a tenth of it with -short.
func unlessShort(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// RunRandom runs long programs of random steps. The seed is logged.
func RunRandom(t *testing.T, newBreaker New) {
	t.Helper()
	const length = 120
	programs := unlessShort(1000)
	for name := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfgs := plan(t, newBreaker, name)
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			synctest.Test(t, func(t *testing.T) {
				for range programs {
					if err := RunProgram(newBreaker, randomProgram(random, length), cfgs...); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
			})
		})
	}
}

// RunConcurrent checks histories of concurrent calls for linearizability. The seed is
// logged; it decides what is called, the scheduler when.
func RunConcurrent(t *testing.T, newBreaker New) {
	t.Helper()
	histories := unlessShort(400)
	for name := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := plan(t, newBreaker, name)[0]
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			synctest.Test(t, func(t *testing.T) {
				for range histories {
					if err := CheckHistory(newBreaker, cfg, random); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
			})
		})
	}
}

// randomProgram mixes the steps as calls do: mostly acquire and settle.
func randomProgram(random *rand.Rand, length int) Program {
	usual := []byte{stepAcquire, stepAcquire, stepAcquire, stepSuccess, stepFailure, stepFailure, stepNeutral, stepAdvance, stepAdvance}
	var p Program
	for range length {
		step := usual[random.IntN(len(usual))]
		if random.IntN(8) == 0 {
			step = byte(random.IntN(steps))
		}
		p = append(p, step, byte(random.IntN(256)))
	}
	return p
}

// Fuzz lets the fuzzer write programs. The first byte chooses the configuration.
func Fuzz(f *testing.F, newBreaker New) {
	f.Helper()
	names := slices.Sorted(maps.Keys(plans()))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range names {
		f.Add(append([]byte{byte(i)}, randomProgram(random, 40)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1 || len(data) > 1000 {
			return
		}
		cfgs := plans()[names[int(data[0])%len(names)]]
		if cannot(newBreaker, cfgs) != "" {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			if err := RunProgram(newBreaker, data[1:], cfgs...); err != nil {
				t.Fatal(err)
			}
		})
	})
}

package resilience_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"reliability/pkg/resilience"
)

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

// waits are the delays of many calls, all of whose attempts fail: waits[call][attempt-1].
func waits(t *testing.T, cfg resilience.RetryConfig, calls int, random *rand.Rand) [][]time.Duration {
	t.Helper()
	cfg.Rand = func(context.Context, int) float64 { return random.Float64() }
	all := make([][]time.Duration, calls)
	bubble(t, func(t *testing.T) {
		for i := range all {
			all[i] = delays(t, cfg, errBoom)
		}
	})
	return all
}

// ceilings are what the delays grow to: 1, 2, 4, … ms, at most an hour.
func ceilings(cfg resilience.RetryConfig) []time.Duration {
	all := make([]time.Duration, cfg.MaxAttempts-1)
	for i := range all {
		all[i] = time.Duration(min(float64(cfg.Base)*math.Pow(cfg.Multiplier, float64(i)), float64(cfg.Max)))
	}
	return all
}

func hundredAttempts(j resilience.Jitter) resilience.RetryConfig {
	return resilience.RetryConfig{MaxAttempts: 100, Base: ms, Max: time.Hour, Multiplier: 2, Jitter: j}
}

// TestJitterDistribution: for every attempt, each delay within its bounds and their mean
// within five and a half standard errors of what it should be: once in 300 000 runs of
// this test's 198 means chance alone would be further away.
func TestJitterDistribution(t *testing.T) {
	const calls = 400
	random := seeded(t)
	for _, c := range []struct {
		jitter         resilience.Jitter
		least, mean    float64 // of the ceiling
		standardErrors float64
	}{
		{resilience.JitterNone, 1, 1, 0},
		{resilience.JitterFull, 0, 0.5, 1 / math.Sqrt(12)},
		{resilience.JitterEqual, 0.5, 0.75, 0.5 / math.Sqrt(12)},
	} {
		t.Run(c.jitter.String(), func(t *testing.T) {
			cfg := hundredAttempts(c.jitter)
			all := waits(t, cfg, calls, random)
			for i, ceiling := range ceilings(cfg) {
				sum := 0.0
				for _, call := range all {
					d := call[i]
					if d < time.Duration(c.least*float64(ceiling)) || d > ceiling {
						t.Errorf("attempt %d: waited %v; want %v to %v", i+1, d, time.Duration(c.least*float64(ceiling)), ceiling)
					}
					sum += float64(d) / float64(ceiling)
				}
				// Half a nanosecond is what rounding down costs on average.
				mean, tolerance := sum/calls, 5.5*c.standardErrors/math.Sqrt(calls)+1/float64(ceiling)
				if math.Abs(mean-c.mean) > tolerance {
					t.Errorf("attempt %d: mean %.4f of the ceiling; want %.4f ± %.4f", i+1, mean, c.mean, tolerance)
				}
			}
		})
	}
}

// TestDecorrelatedDistribution: where a delay lies between the base and three times the
// one before, or Max, is uniform, too. So nobody who has waited for long waits just Max.
func TestDecorrelatedDistribution(t *testing.T) {
	cfg := hundredAttempts(resilience.JitterDecorrelated)
	var us []float64
	capped := 0
	for _, call := range waits(t, cfg, 400, seeded(t)) {
		previous := cfg.Base
		for i, d := range call {
			widest := min(3*previous, cfg.Max)
			if d < cfg.Base || d > widest {
				t.Errorf("attempt %d: waited %v after %v; want %v to %v", i+1, d, previous, cfg.Base, widest)
			}
			if widest == cfg.Max {
				capped++
			}
			us = append(us, float64(d-cfg.Base)/float64(widest-cfg.Base))
			previous = d
		}
	}
	if capped == 0 {
		t.Error("no delay could have reached Max: this shows too little")
	}
	uniform(t, us)
}

// TestFullJitterIsUniform, over all attempts.
func TestFullJitterIsUniform(t *testing.T) {
	cfg := hundredAttempts(resilience.JitterFull)
	var us []float64
	bounds := ceilings(cfg)
	for _, call := range waits(t, cfg, 400, seeded(t)) {
		for i, d := range call {
			us = append(us, float64(d)/float64(bounds[i]))
		}
	}
	uniform(t, us)
}

// uniform is the Kolmogorov–Smirnov test against the uniform distribution. It is wrong
// about one sample in a million.
func uniform(t *testing.T, us []float64) {
	t.Helper()
	slices.Sort(us)
	n, distance := float64(len(us)), 0.0
	for i, u := range us {
		distance = max(distance, u-float64(i)/n, float64(i+1)/n-u)
	}
	critical := math.Sqrt(-math.Log(1e-6/2)/2) / math.Sqrt(n)
	if distance > critical {
		t.Errorf("a distance of %.5f from uniform over %v delays; want at most %.5f", distance, n, critical)
	}
}

// FuzzDelays: whatever the configuration, no delay is negative or above Max, and
// without jitter none is shorter than the one before.
func FuzzDelays(f *testing.F) {
	f.Add(uint8(1), int64(50*ms), int64(2*time.Second), 2.0, uint8(4), 0.5)
	f.Add(uint8(0), int64(24*time.Hour), int64(24*time.Hour), 100.0, uint8(100), 0.9999999999999999)
	f.Add(uint8(3), int64(1), int64(24*time.Hour), 1.0, uint8(100), 0.9999999999999999)
	f.Add(uint8(2), int64(1), int64(1), 1.5, uint8(50), 0.0)
	f.Fuzz(func(t *testing.T, jitter uint8, base, top int64, multiplier float64, attempts uint8, u float64) {
		if !(u >= 0 && u < 1) {
			return
		}
		cfg := resilience.RetryConfig{
			MaxAttempts: int(attempts), Base: time.Duration(base), Max: time.Duration(top), Multiplier: multiplier,
			Jitter: resilience.Jitter(jitter), Rand: func(context.Context, int) float64 { return u },
		}
		if cfg.Validate() != nil {
			return
		}
		bubble(t, func(t *testing.T) {
			highest := cfg.Max
			if highest == 0 {
				highest = max(2*time.Second, cfg.Base)
			}
			previous := time.Duration(0)
			got := delays(t, cfg, errBoom)
			if want := max(1, cfg.MaxAttempts); cfg.MaxAttempts != 0 && len(got) != want-1 {
				t.Errorf("%d delays of %d attempts", len(got), want)
			}
			for i, d := range got {
				if d < 0 || d > highest {
					t.Errorf("%+v: waited %v after attempt %d", cfg, d, i+1)
				}
				if d < previous && cfg.Jitter != resilience.JitterDecorrelated { // u is the same each time
					t.Errorf("%+v: waited %v, and then %v", cfg, previous, d)
				}
				previous = d
			}
		})
	})
}

// TestARandThatBreaksItsWord may shorten waits, but no call hangs or panics.
func TestARandThatBreaksItsWord(t *testing.T) {
	for _, u := range []float64{-1, math.NaN(), math.Inf(-1)} {
		bubble(t, func(t *testing.T) {
			cfg := plain(4)
			cfg.Jitter, cfg.Rand = resilience.JitterFull, func(context.Context, int) float64 { return u }
			err := chain(t, resilience.Retry(cfg))(t.Context(), func(context.Context) error { return errBoom })
			if !errors.Is(err, errBoom) {
				t.Errorf("%v: error %v", u, err)
			}
		})
	}
}

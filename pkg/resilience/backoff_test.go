package resilience

import (
	"math"
	"testing"
	"time"
)

// FuzzBackoff: whatever the configuration and the attempt, a delay is within its bounds:
// never negative, never above Max, never an overflow; and the ceiling never shrinks.
func FuzzBackoff(f *testing.F) {
	day := int64(maxDelayAllowed)
	f.Add(int64(1), int64(0), 1.0, uint8(0), 1, int64(0), 0.0)
	f.Add(int64(50e6), int64(2e9), 2.0, uint8(0), 4, int64(0), 0.5)
	f.Add(day, day, 100.0, uint8(3), 100, day, math.Nextafter(1, 0))
	f.Add(int64(1), day, 100.0, uint8(1), 100, day, 0.999)
	f.Add(int64(3), int64(1), 1.0001, uint8(2), 7, int64(5), 0.25)
	f.Fuzz(func(t *testing.T, base, above int64, multiplier float64, jitter uint8, attempt int, previous int64, u float64) {
		b := backoff{
			base: time.Duration(base), max: time.Duration(base) + time.Duration(above),
			multiplier: multiplier, jitter: Jitter(jitter),
		}
		cfg := RetryConfig{MaxAttempts: attempt, Base: b.base, Max: b.max, Multiplier: multiplier, Jitter: b.jitter}
		valid := cfg.Validate() == nil && base > 0 && above >= 0 && multiplier >= 1 && attempt >= 1
		if !valid || previous < 0 || previous > int64(b.max) || !(u >= 0 && u < 1) {
			return
		}
		ceiling, delay := b.ceiling(attempt), b.delay(attempt, time.Duration(previous), u)
		if ceiling < b.base || ceiling > b.max || ceiling > b.ceiling(attempt+1) {
			t.Fatalf("ceiling %v outside %v … %v, or more than the next one, %v", ceiling, b.base, b.max, b.ceiling(attempt+1))
		}
		lo, hi := time.Duration(0), ceiling
		switch b.jitter {
		case JitterNone:
			lo = ceiling
		case JitterEqual:
			lo = ceiling / 2
		case JitterDecorrelated:
			lo, hi = b.base, min(b.max, 3*max(time.Duration(previous), b.base))
		}
		if delay < lo || delay > hi {
			t.Fatalf("%v delay %v outside %v … %v", b.jitter, delay, lo, hi)
		}
		if longest := b.longest(attempt); previous == 0 && attempt == 1 && delay > longest {
			t.Fatalf("first delay %v is longer than the longest, %v", delay, longest)
		}
	})
}

func TestBackoffSteps(t *testing.T) {
	const ms = time.Millisecond
	b := backoff{base: 100 * ms, max: time.Second, multiplier: 2}
	for attempt, want := range map[int]time.Duration{
		1: 100 * ms, 2: 200 * ms, 3: 400 * ms, 4: 800 * ms, 5: time.Second, 100: time.Second,
	} {
		if got := b.ceiling(attempt); got != want {
			t.Errorf("ceiling(%d) = %v; want %v", attempt, got, want)
		}
	}
	for _, c := range []struct {
		jitter   Jitter
		previous time.Duration
		u        float64
		want     time.Duration
	}{
		{JitterFull, 0, 0, 0},
		{JitterFull, 0, 0.5, 200 * ms},
		{JitterNone, 0, 0.5, 400 * ms},
		{JitterEqual, 0, 0, 200 * ms},
		{JitterEqual, 0, 0.5, 300 * ms},
		{JitterDecorrelated, 0, 0, 100 * ms},
		{JitterDecorrelated, 0, 0.5, 200 * ms},        // 100 + 0.5 × (300 − 100)
		{JitterDecorrelated, 200 * ms, 0.5, 350 * ms}, // 100 + 0.5 × (600 − 100)
		{JitterDecorrelated, 900 * ms, 0.5, 550 * ms}, // capped before it is drawn: 100 + 0.5 × (1000 − 100)
	} {
		b.jitter = c.jitter
		if got := b.delay(3, c.previous, c.u); got != c.want {
			t.Errorf("%v: delay(3, %v, u=%v) = %v; want %v", c.jitter, c.previous, c.u, got, c.want)
		}
	}
}

package resilience

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBackoffBounds: whatever the configuration and the attempt, a delay is within its
// bounds: never negative, never above Max, never an overflow.
func TestBackoffBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := backoff{
			base:       time.Duration(rapid.Int64Range(1, int64(maxDelayAllowed)).Draw(t, "base")),
			multiplier: rapid.Float64Range(1, 100).Draw(t, "multiplier"),
			jitter:     Jitter(rapid.IntRange(0, int(JitterDecorrelated)).Draw(t, "jitter")),
		}
		b.max = b.base + time.Duration(rapid.Int64Range(0, int64(maxDelayAllowed)).Draw(t, "max over base"))
		attempt := rapid.IntRange(1, maxAttemptsAllowed).Draw(t, "attempt")
		previous := time.Duration(rapid.Int64Range(0, int64(b.max)).Draw(t, "previous"))
		u := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "u")
		ceiling, delay := b.ceiling(attempt), b.delay(attempt, previous, u)
		if ceiling < b.base || ceiling > b.max {
			t.Fatalf("ceiling %v outside %v … %v", ceiling, b.base, b.max)
		}
		lo, hi := time.Duration(0), ceiling
		switch b.jitter {
		case JitterNone:
			lo = ceiling
		case JitterEqual:
			lo = ceiling / 2
		case JitterDecorrelated:
			lo, hi = b.base, min(b.max, 3*max(previous, b.base))
		}
		if delay < lo || delay > hi {
			t.Fatalf("%v delay %v outside %v … %v", b.jitter, delay, lo, hi)
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
		{JitterDecorrelated, 0, 0.5, 200 * ms},            // 100 + 0.5 × (300 − 100)
		{JitterDecorrelated, 200 * ms, 0.5, 350 * ms},     // 100 + 0.5 × (600 − 100)
		{JitterDecorrelated, 900 * ms, 0.99, time.Second}, // capped
	} {
		b.jitter = c.jitter
		if got := b.delay(3, c.previous, c.u); got != c.want {
			t.Errorf("%v: delay(3, %v, u=%v) = %v; want %v", c.jitter, c.previous, c.u, got, c.want)
		}
	}
}

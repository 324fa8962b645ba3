package resilience

import (
	"math"
	"time"
)

// Jitter says how the delay before a retry is spread, so that callers which failed
// together do not come back together. See Brooker, "Exponential Backoff And Jitter",
// AWS Architecture Blog, 2015.
type Jitter uint8

const (
	// JitterFull waits between 0 and the ceiling, uniformly. The default.
	JitterFull Jitter = iota
	// JitterNone waits the ceiling itself: every caller at the same moment.
	JitterNone
	// JitterEqual waits between half the ceiling and the ceiling.
	JitterEqual
	// JitterDecorrelated waits between the base and three times the previous delay, or Max
	// if that is less; the multiplier plays no part. (Brooker's formula draws first and
	// caps then: of those who have waited for long, one in three waits Max to the instant.)
	JitterDecorrelated
)

var jitterNames = [...]string{
	JitterFull: "full", JitterNone: "none", JitterEqual: "equal", JitterDecorrelated: "decorrelated",
}

// String returns the jitter's name: "full", "none", "equal" or "decorrelated".
func (j Jitter) String() string { return nameOf(jitterNames[:], int(j)) }

// A backoff is the arithmetic of delays, pure in (attempt, previous delay, u).
type backoff struct {
	base, max  time.Duration
	multiplier float64
	jitter     Jitter
}

// ceiling is the delay before jitter after the given failed attempt (from 1):
// base × multiplier^(attempt−1), at most max. It is capped before jitter, because a cap
// on the jittered delay would bring everyone who reached it together again.
func (b backoff) ceiling(attempt int) time.Duration {
	delay := float64(b.base) * math.Pow(b.multiplier, float64(attempt-1)) // may be infinite
	if delay >= float64(b.max) {
		return b.max
	}
	return time.Duration(delay)
}

// delay is what to wait after the given failed attempt. u is uniform in [0, 1); previous
// is the delay before, 0 at first.
func (b backoff) delay(attempt int, previous time.Duration, u float64) time.Duration {
	switch b.jitter {
	case JitterNone:
		return b.ceiling(attempt)
	case JitterEqual:
		half := b.ceiling(attempt) / 2
		return half + share(b.ceiling(attempt)-half, u)
	case JitterDecorrelated:
		widest := min(3*float64(max(previous, b.base)), float64(b.max))
		return b.base + time.Duration(u*(widest-float64(b.base)))
	default:
		return share(b.ceiling(attempt), u)
	}
}

// longest is the most that delay can be after the given failed attempt.
func (b backoff) longest(attempt int) time.Duration {
	if b.jitter == JitterDecorrelated {
		return backoff{base: b.base, max: b.max, multiplier: 3}.ceiling(attempt + 1)
	}
	return b.ceiling(attempt)
}

// share is u of d.
func share(d time.Duration, u float64) time.Duration { return time.Duration(u * float64(d)) }

package resilience

import (
	"errors"
	"math"
	"time"
)

// BreakerConfig configures a [Breaker], whichever engine it has. The zero value is
// usable: it opens after 5 failures in a row.
//
// There are three rules, and whichever is met first opens the breaker: Failures,
// FailureRate and SlowRate. A rule whose field is 0 is off; with all three off, Failures
// is 5. The two rates are shares of the calls in one window, which is either of the last
// WindowCalls calls or of the last WindowTime. A call belongs to the moment it ends, so
// that calls slower than the window count as well.
type BreakerConfig struct {
	// Name is the dependency's name in events and errors. "": "default".
	Name string

	// Failures in a row open the breaker. 0: off, but 5 if both rates are off.
	Failures int
	// FailureRate opens the breaker when at least this share of the window's calls failed.
	// Above 0, at most 1. 0: off.
	FailureRate float64
	// SlowRate opens the breaker when at least this share of the window's calls were slow.
	// A call still running after SlowAfter is slow already, so that a dependency that hangs
	// opens the breaker before its calls return. A permit that is never settled is a call
	// that runs for ever. Above 0, at most 1. 0: off.
	//
	// While this rule is on, a probe that succeeds slowly has failed.
	SlowRate float64
	// SlowAfter is how long a call takes that is slow. Required by SlowRate.
	SlowAfter time.Duration
	// WindowCalls makes the window one of the last so many calls, at most 100000.
	// 0: it is one of time.
	WindowCalls int
	// WindowTime makes the window one of the last so much time. It moves on by tenths of
	// itself, so it holds between nine tenths and the whole. 0: 10 s, if a rate is on and
	// WindowCalls is 0.
	WindowTime time.Duration
	// MinCalls is how many calls the window must hold before a rate is judged.
	// 0: 20, or WindowCalls if that is less.
	MinCalls int

	// OpenFor is how long the breaker turns calls away before it probes. 0: 5 s.
	OpenFor time.Duration
	// OpenGrowth is by what that time grows each time a probe fails. 0: 1, no growth.
	OpenGrowth float64
	// OpenMax is where growth ends. 0: a minute, or OpenFor if that is longer.
	OpenMax time.Duration
	// OpenJitter lengthens each open time by a random share of itself, at most this, so
	// that callers which opened together do not probe together. At most 1. 0: none.
	OpenJitter float64

	// Probes is how many calls half-open admits in all, and how many must succeed. 0: 2.
	Probes int
	// Lease is how long a probe may take; one that takes longer has failed, so that a
	// lost probe cannot hold the breaker half-open for ever. 0: 30 s.
	Lease time.Duration

	// Observer is told of transitions, rejections and expired leases. Nil: nobody.
	Observer Observer
}

// Bounds of BreakerConfig: beyond them a value is a slip of the pen.
const (
	maxWindowCalls = 100_000
	minWindowTime  = windowBuckets * time.Nanosecond
)

// Validate reports every field that cannot be accepted.
func (c BreakerConfig) Validate() error {
	var bad fieldErrors
	full := c.WithDefaults()
	field := func(ok bool, name string, value any, allowed string) {
		bad.require(ok, "BreakerConfig."+name, value, allowed)
	}
	span := func(name string, d time.Duration, def string) {
		field(d >= 0 && d <= maxDelayAllowed, name, d, "above 0 and at most 24h, or 0 for "+def)
	}
	rate := func(name string, r float64) {
		field(r >= 0 && r <= 1, name, r, "above 0 and at most 1, or 0 for off")
	}
	rates := c.FailureRate != 0 || c.SlowRate != 0

	field(c.Failures >= 0 && c.Failures <= math.MaxInt32, "Failures", c.Failures, "1 to 2147483647, or 0 for off, which is 5 without a rate")
	rate("FailureRate", c.FailureRate)
	rate("SlowRate", c.SlowRate)
	field(c.SlowAfter >= 0 && c.SlowAfter <= maxDelayAllowed, "SlowAfter", c.SlowAfter, "above 0 and at most 24h")
	field(c.SlowRate == 0 || c.SlowAfter != 0, "SlowAfter", c.SlowAfter, "above 0 with a SlowRate")
	field(c.SlowAfter == 0 || c.SlowRate != 0, "SlowAfter", c.SlowAfter, "0 without a SlowRate")
	field(c.WindowCalls >= 0 && c.WindowCalls <= maxWindowCalls, "WindowCalls", c.WindowCalls, "1 to 100000, or 0 for a window of time")
	field(c.WindowTime == 0 || c.WindowTime >= minWindowTime && c.WindowTime <= maxDelayAllowed, "WindowTime", c.WindowTime, "10ns to 24h, or 0 for 10s")
	field(!rates || c.WindowCalls == 0 || c.WindowTime == 0, "WindowTime", c.WindowTime, "0 with WindowCalls: a window is of calls or of time")
	field(rates || c.WindowCalls == 0, "WindowCalls", c.WindowCalls, "0 without a FailureRate or SlowRate")
	field(rates || c.WindowTime == 0, "WindowTime", c.WindowTime, "0 without a FailureRate or SlowRate")
	field(rates || c.MinCalls == 0, "MinCalls", c.MinCalls, "0 without a FailureRate or SlowRate")
	field(c.MinCalls >= 0 && c.MinCalls <= math.MaxInt32, "MinCalls", c.MinCalls, "1 to 2147483647, or 0 for 20")
	field(c.WindowCalls <= 0 || c.MinCalls <= c.WindowCalls, "MinCalls", c.MinCalls, "at most WindowCalls, which would never hold so many")
	span("OpenFor", c.OpenFor, "5s")
	field(c.OpenGrowth == 0 || c.OpenGrowth >= 1 && c.OpenGrowth <= 100, "OpenGrowth", c.OpenGrowth, "1 to 100, or 0 for 1")
	span("OpenMax", c.OpenMax, "1m")
	field(c.OpenMax <= 0 || c.OpenMax >= full.OpenFor, "OpenMax", c.OpenMax, "at least OpenFor")
	field(c.OpenJitter >= 0 && c.OpenJitter <= 1, "OpenJitter", c.OpenJitter, "0 to 1")
	field(c.Probes >= 0 && c.Probes <= math.MaxInt32, "Probes", c.Probes, "1 to 2147483647, or 0 for 2")
	span("Lease", c.Lease, "30s")
	return errors.Join(bad...)
}

// WithDefaults returns c with its zero fields filled in, as both engines see it.
func (c BreakerConfig) WithDefaults() BreakerConfig {
	setDefault(&c.Name, "default")
	if c.FailureRate == 0 && c.SlowRate == 0 {
		setDefault(&c.Failures, 5)
	} else {
		if c.WindowCalls == 0 {
			setDefault(&c.WindowTime, 10*time.Second)
		}
		minCalls := 20
		if c.WindowCalls > 0 {
			minCalls = min(minCalls, c.WindowCalls)
		}
		setDefault(&c.MinCalls, minCalls)
	}
	setDefault(&c.OpenFor, 5*time.Second)
	setDefault(&c.OpenGrowth, 1)
	setDefault(&c.OpenMax, max(time.Minute, c.OpenFor))
	setDefault(&c.Probes, 2)
	setDefault(&c.Lease, 30*time.Second)
	return c
}

// setDefault gives a field that is zero its documented default.
func setDefault[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// openTime is how long the breaker stays open. reopened is how often it has opened again
// since it was closed; u is uniform in [0, 1).
func (c BreakerConfig) openTime(reopened int, u float64) time.Duration {
	d := backoff{base: c.OpenFor, max: c.OpenMax, multiplier: c.OpenGrowth}.ceiling(reopened + 1)
	return d + time.Duration(u*c.OpenJitter*float64(d))
}

package flaky

import "time"

// A gauge is a number and its integral over time: of two readings the difference of the
// integrals, divided by the time between them, is the exact mean. The zero value is zero.
type gauge struct {
	value    int
	since    time.Time
	integral float64 // seconds, up to since
}

// set changes the number. Time that seems to go backwards, because two requests asked for
// it in another order than they got here, is none.
func (g *gauge) set(value int, now time.Time) {
	g.integral = g.seconds(now)
	if now.After(g.since) {
		g.since = now
	}
	g.value = value
}

// seconds returns the integral up to now.
func (g *gauge) seconds(now time.Time) float64 {
	if g.since.IsZero() || !now.After(g.since) {
		return g.integral
	}
	return g.integral + float64(g.value)*now.Sub(g.since).Seconds()
}

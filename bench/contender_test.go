package bench

import (
	"context"
	"testing"

	"reliability/pkg/resilience"
)

// A contender is one library, configured for one comparison.
type contender struct {
	name string
	make func(testing.TB) subject
	// cannot says why there is nothing to compare; make is nil then.
	cannot string
	// accumulates: a success does not forget the failures before it.
	accumulates bool
}

// A subject is what a contender makes: ready to be called, by tests and by benchmarks.
type subject struct {
	// call makes one call of any operation. Tests do this, and benchmarks to set the scene.
	call func(ctx context.Context, op resilience.Op) error
	// loop makes n calls of the operation that succeeds, and returns how many of them ended
	// in an error. Each contender brings its own loop, with its library called directly,
	// as its users would: one more function value in between would cost as much as some
	// of what is measured here.
	loop func(ctx context.Context, n int) (failed int)
	// state of the breaker in it, "closed" or "open"; nil where there is none.
	state func() string
}

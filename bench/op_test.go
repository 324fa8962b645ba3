package bench

import (
	"context"
	"errors"
)

// The operation of every benchmark costs a call and nothing else, and captures nothing.
// It is not inlined, so that it costs the same call also where a compiler could see
// through to it. Peers that pass no context, or want a value, get the closest there is.

//go:noinline
func succeed(context.Context) error { return nil }

//go:noinline
func succeedBare() error { return nil }

//go:noinline
func succeedValue() (struct{}, error) { return struct{}{}, nil }

var errDependency = errors.New("the dependency failed")

func fail(context.Context) error { return errDependency }

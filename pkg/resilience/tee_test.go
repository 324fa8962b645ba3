package resilience_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"reliability/pkg/resilience"
)

// TestTee: all are told, in order, with the same event and context, and none can keep it
// from the others.
func TestTee(t *testing.T) {
	type key struct{}
	var told []string
	teller := func(name string) resilience.Observer {
		return resilience.ObserverFunc(func(ctx context.Context, e resilience.Event) {
			told = append(told, fmt.Sprintf("%s: %v %d %v", name, e.Kind, e.Attempt, ctx.Value(key{})))
		})
	}
	panicking := resilience.ObserverFunc(func(context.Context, resilience.Event) { panic("watching") })
	o := resilience.Tee(teller("a"), panicking, nil, resilience.Tee(teller("b")), teller("c"))
	o.Observe(context.WithValue(t.Context(), key{}, "call"), resilience.Event{Kind: resilience.EventRetry, Attempt: 2})
	want := []string{"a: retry 2 call", "b: retry 2 call", "c: retry 2 call"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q; want %q", told, want)
	}
	resilience.Tee().Observe(t.Context(), resilience.Event{})
}

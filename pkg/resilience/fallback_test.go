package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"reliability/pkg/resilience"
)

// supplying answers with a value.
func supplying[T any](v T) resilience.FallbackConfig {
	return resilience.FallbackConfig{Answer: func(ctx context.Context, _ error) error { return resilience.Supply(ctx, v) }}
}

func failDo(context.Context) (string, error) { return "left over", errBoom }

func TestFallbackSupplies(t *testing.T) {
	h := chain(t, resilience.Fallback(supplying("cached")))
	if v, err := resilience.Do(t.Context(), h, failDo); v != "cached" || err != nil {
		t.Errorf("Do = %q, %v; want the cached value", v, err)
	}
	if v, err := resilience.Do(t.Context(), h, func(context.Context) (string, error) { return "fresh", nil }); v != "fresh" || err != nil {
		t.Errorf("Do = %q, %v; want the fresh value", v, err)
	}
	// The result's type must be the same, not only assignable.
	_, err := resilience.Do(t.Context(), h, func(context.Context) (int, error) { return 7, errBoom })
	if want := "resilience: supply: the call does not return a string"; err == nil || err.Error() != want {
		t.Errorf("another type: error %v; want %q", err, want)
	}
	if err := h(t.Context(), func(context.Context) error { return errBoom }); err == nil || !strings.Contains(err.Error(), "does not return a string") {
		t.Errorf("no Do: error %v", err)
	}
	if v, err := resilience.Do(t.Context(), chain(t, resilience.Fallback(supplying[error](nil))), func(context.Context) (error, error) {
		return errBoom, errBoom
	}); v != nil || err != nil {
		t.Errorf("an interface's nil: Do = %v, %v", v, err)
	}
}

// TestFallbackInANestedDo supplies to the innermost Do that it stands in, and to no other.
func TestFallbackInANestedDo(t *testing.T) {
	inner := chain(t, resilience.Fallback(supplying("inner")))
	outer := chain(t, resilience.Fallback(supplying(42)))
	n, err := resilience.Do(t.Context(), outer, func(ctx context.Context) (int, error) {
		v, err := resilience.Do(ctx, inner, failDo)
		if v != "inner" || err != nil {
			t.Errorf("inner Do = %q, %v", v, err)
		}
		return 7, errBoom
	})
	if n != 42 || err != nil {
		t.Errorf("outer Do = %d, %v", n, err)
	}
}

// TestASupplyThatFailsIsNoAnswer: a value stays only if the call succeeds.
func TestASupplyThatFailsIsNoAnswer(t *testing.T) {
	h := chain(t, resilience.Fallback(resilience.FallbackConfig{Answer: func(ctx context.Context, err error) error {
		return errors.Join(resilience.Supply(ctx, "half an answer"), err)
	}}))
	if v, err := resilience.Do(t.Context(), h, failDo); v != "" || !errors.Is(err, errBoom) {
		t.Errorf("Do = %q, %v", v, err)
	}
}

func TestWhichErrorsAFallbackAnswers(t *testing.T) {
	var told []string
	var given error
	type key struct{}
	cfg := resilience.FallbackConfig{
		Answer: func(ctx context.Context, err error) error {
			if ctx.Value(key{}) != "caller's" {
				t.Error("the context is not the caller's")
			}
			given = err
			return nil
		},
		Observer: resilience.ObserverFunc(func(_ context.Context, e resilience.Event) { told = append(told, fmt.Sprint(e.Kind, " ", e.Err)) }),
	}
	ctx := context.WithValue(t.Context(), key{}, "caller's")
	h := chain(t, resilience.Fallback(cfg))
	if err := h(ctx, func(context.Context) error { return errBoom }); err != nil || given != errBoom {
		t.Errorf("error %v, answered %v", err, given)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := h(done, func(context.Context) error { return errBoom }); err != errBoom {
		t.Errorf("nobody waits, and the error is %v; want the op's", err)
	}
	cfg.If = func(_ context.Context, err error) bool { return resilience.Rejected(err) }
	h = chain(t, resilience.Fallback(cfg))
	if err := h(ctx, func(context.Context) error { return errBoom }); err != errBoom {
		t.Errorf("If says no, and the error is %v", err)
	}
	if err := h(done, func(context.Context) error { return &resilience.OpenError{Breaker: "b"} }); err != nil {
		t.Errorf("If says yes, also when nobody waits, and the error is %v", err)
	}
	want := []string{"fallback boom", `fallback resilience: breaker "b" is held open`}
	if !slices.Equal(told, want) {
		t.Errorf("told %q; want %q", told, want)
	}
}

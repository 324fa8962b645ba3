package resilience_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"reliability/pkg/resilience"
)

// TestNames: every value of the small types has its name, and the first that is none has
// not.
func TestNames(t *testing.T) {
	for want, v := range map[string]fmt.Stringer{
		"closed": resilience.Closed, "open": resilience.Open, "half-open": resilience.HalfOpen,
		"success": resilience.Success, "failure": resilience.Failure, "neutral": resilience.Neutral,
		"automatic": resilience.ModeAutomatic, "observe": resilience.ModeObserve,
		"full": resilience.JitterFull, "none": resilience.JitterNone, "equal": resilience.JitterEqual,
		"decorrelated": resilience.JitterDecorrelated,
		"attempt":      resilience.EventAttempt, "retry": resilience.EventRetry, "give up": resilience.EventGiveUp,
		"timeout": resilience.EventTimeout, "rejected": resilience.EventRejected, "transition": resilience.EventTransition,
		"lease expired": resilience.EventLeaseExpired, "would open": resilience.EventWouldOpen, "mode": resilience.EventMode,
		"fallback": resilience.EventFallback,
	} {
		if got := v.String(); got != want {
			t.Errorf("%#v is %q; want %q", v, got, want)
		}
	}
	for _, v := range []fmt.Stringer{
		resilience.HalfOpen + 1, resilience.Neutral + 1, resilience.ModeObserve + 1, resilience.JitterDecorrelated + 1,
		resilience.EventFallback + 1, resilience.EventKind(0),
	} {
		if got := v.String(); got != "unknown" {
			t.Errorf("%#v is %q; want unknown", v, got)
		}
	}
}

// TestEventKindsHaveNames: also those that are new, and each its own.
func TestEventKindsHaveNames(t *testing.T) {
	names := map[string]bool{}
	for k := resilience.EventAttempt; k <= resilience.EventFallback; k++ {
		if name := k.String(); name == "unknown" || names[name] {
			t.Errorf("kind %d is called %q", k, name)
		} else {
			names[name] = true
		}
	}
	for _, k := range []resilience.EventKind{0, resilience.EventFallback + 1, 255} {
		if got := k.String(); got != "unknown" {
			t.Errorf("kind %d is called %q", k, got)
		}
	}
}

func TestStatesAndModesInJSON(t *testing.T) {
	type both struct {
		State resilience.State
		Mode  resilience.Mode
	}
	out, err := json.Marshal(both{resilience.HalfOpen, resilience.ModeObserve})
	if err != nil || string(out) != `{"State":"half-open","Mode":"observe"}` {
		t.Errorf("%s, %v", out, err)
	}
	for m := range resilience.ModeObserve + 1 {
		var back resilience.Mode
		text, _ := m.MarshalText()
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Errorf("%s came back as %v, %v", text, back, err)
		}
	}
	m := resilience.ModeOpen
	err = m.UnmarshalText([]byte("ajar"))
	if err == nil || err.Error() != `Mode is "ajar": must be automatic, open, closed, observe` || m != resilience.ModeOpen {
		t.Errorf("%v, %v", m, err)
	}
}

func TestPermanentOfNothingIsNothing(t *testing.T) {
	if err := resilience.Permanent(nil); err != nil {
		t.Errorf("Permanent(nil) = %v", err)
	}
}

package main

import (
	"reflect"
	"testing"
	"time"
)

// TestCompareMode: both servers answer, with the same shape, in each mode.
func TestCompareMode(t *testing.T) {
	for _, m := range modes() {
		r := &report{options: options{Pairs: 10, Slice: time.Millisecond, Clients: 2}}
		got, err := r.compareMode(t.Context(), m)
		if err != nil || len(got.One) != 10 || got.One[0] <= 0 || got.Other[9] <= 0 || got.Ratio.Low <= 0 {
			t.Errorf("%s: %+v, %v", m.Name, got, err)
		}
	}
}

func TestShape(t *testing.T) {
	same := func(a, b string) bool { return reflect.DeepEqual(shape([]byte(a)), shape([]byte(b))) }
	const answer = `{"elapsed_ms": 1.5, "attempts": [{"attempt": 1, "result": "ok"}], "trace_id": "ab"}`
	if !same(answer, `{"elapsed_ms": 20, "attempts": [{"attempt": 2, "result": "no"}], "trace_id": "cd"}`) {
		t.Error("other figures are another shape")
	}
	for _, other := range []string{
		`{"elapsed_ms": 1.5, "attempts": [{"attempt": 1, "result": "ok"}]}`,
		`{"elapsed_ms": 1.5, "attempts": [{"attempt": 1, "result": "ok"}], "trace_id": "abc"}`,
		`{"elapsed_ms": 1.5, "attempts": [], "trace_id": "ab"}`,
		`{"elapsed_ms": "1.5", "attempts": [{"attempt": 1, "result": "ok"}], "trace_id": "ab"}`,
		`{"elapsed_ms": 1.5, "attempts": [{"attempt": true, "result": "ok"}], "trace_id": "ab"}`,
		`{"elapsed_ms": 1.5,`,
	} {
		if same(answer, other) {
			t.Errorf("the same shape as %s", other)
		}
	}
}

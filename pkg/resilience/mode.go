package resilience

import (
	"fmt"
	"slices"
	"strings"
)

// Mode says who decides a breaker's state.
type Mode uint8

const (
	// ModeAutomatic: the breaker itself. A breaker put back into it starts closed, with
	// nothing counted.
	ModeAutomatic Mode = iota
	// ModeOpen: held open by hand; every call is turned away, for as long as it takes.
	ModeOpen
	// ModeClosed: held closed by hand; every call passes, and nothing counts.
	ModeClosed
	// ModeObserve: every call passes. The breaker counts, and tells its observer when it
	// would have opened ([EventWouldOpen]); for the time that it would have been open it
	// counts nothing.
	ModeObserve
)

var modeNames = [...]string{ModeAutomatic: "automatic", ModeOpen: "open", ModeClosed: "closed", ModeObserve: "observe"}

// String returns "automatic", "open", "closed" or "observe".
func (m Mode) String() string { return nameOf(modeNames[:], int(m)) }

// MarshalText makes the mode readable in JSON.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText accepts what String returns.
func (m *Mode) UnmarshalText(text []byte) error {
	i := slices.Index(modeNames[:], string(text))
	if i < 0 {
		return &FieldError{Field: "Mode", Value: fmt.Sprintf("%q", text), Allowed: strings.Join(modeNames[:], ", ")}
	}
	*m = Mode(i)
	return nil
}

// Validate reports a mode that there is not.
func (m Mode) Validate() error {
	if int(m) >= len(modeNames) {
		return &FieldError{Field: "Mode", Value: uint8(m), Allowed: strings.Join(modeNames[:], ", ")}
	}
	return nil
}

// Reason says in words what putting a breaker into the mode does to its state: it is the
// Reason of the transition.
func (m Mode) Reason() string {
	if m == ModeOpen || m == ModeClosed {
		return "held " + m.String() + " by hand"
	}
	return m.String() + " by hand"
}

package breakertest

import (
	"time"

	"reliability/pkg/resilience"
)

// Enumerate calls run with every program of exactly the given number of steps out of an
// alphabet that is small but complete: acquire; success, failure and neutral of the
// oldest call in flight; success and failure of the newest; and waiting until exactly
// each limit of the configuration. It leaves out steps that need a call in flight when
// there can be none. It stops at the first error and returns it, and how many programs it
// ran.
func Enumerate(length int, cfg resilience.BreakerConfig, run func(Program) error) (programs int, err error) {
	c := cfg.WithDefaults()
	limits := map[time.Duration]bool{c.OpenFor: true, c.Lease: true, c.SlowAfter: true, c.WindowTime: true}
	alphabet := [][2]byte{
		{stepAcquire, 0}, {stepSuccess, 0}, {stepFailure, 0}, {stepNeutral, 0}, {stepSuccess, 255}, {stepFailure, 255},
	}
	for i, d := range advances(cfg) {
		if limits[d] {
			alphabet = append(alphabet, [2]byte{stepAdvance, byte(i)})
		}
	}
	e := enumeration{alphabet: alphabet, run: run, program: make(Program, 0, 2*length)}
	err = e.extend(length, 0)
	return e.programs, err
}

type enumeration struct {
	alphabet [][2]byte
	run      func(Program) error
	program  Program
	programs int
}

func (e *enumeration) extend(left, inFlight int) error {
	if left == 0 {
		e.programs++
		return e.run(e.program)
	}
	for _, s := range e.alphabet {
		calls := inFlight
		switch {
		case s[0] == stepAcquire:
			calls++ // at most: it may be turned away
		case s[0] <= stepNeutral && inFlight == 0, s[1] == 255 && inFlight < 2:
			continue
		case s[0] <= stepNeutral:
			calls--
		}
		e.program = append(e.program, s[0], s[1])
		if err := e.extend(left-1, calls); err != nil {
			return err
		}
		e.program = e.program[:len(e.program)-2]
	}
	return nil
}

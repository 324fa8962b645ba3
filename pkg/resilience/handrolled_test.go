package resilience_test

import (
	"testing"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/breakertest"
)

func TestHandRolledConformance(t *testing.T) { breakertest.Run(t, resilience.NewBreaker) }

func TestHandRolledProgramsExhaustively(t *testing.T) {
	breakertest.RunExhaustive(t, resilience.NewBreaker)
}

func TestHandRolledProgramsAtRandom(t *testing.T) {
	breakertest.RunRandom(t, resilience.NewBreaker)
}

func FuzzHandRolledProgram(f *testing.F) { breakertest.Fuzz(f, resilience.NewBreaker) }

func TestHandRolledHistories(t *testing.T) { breakertest.RunConcurrent(t, resilience.NewBreaker) }

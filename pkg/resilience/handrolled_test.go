package resilience_test

import (
	"testing"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/breakertest"
)

func TestHandRolledConformance(t *testing.T) { breakertest.Run(t, resilience.NewBreaker) }

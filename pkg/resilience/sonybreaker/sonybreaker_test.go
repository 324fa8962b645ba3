package sonybreaker_test

import (
	"strings"
	"testing"

	"reliability/pkg/resilience"
	"reliability/pkg/resilience/breakertest"
	"reliability/pkg/resilience/sonybreaker"
)

func TestConformance(t *testing.T) { breakertest.Run(t, sonybreaker.New) }

func TestWhatGobreakerCannotDoIsRefused(t *testing.T) {
	// gobreaker takes a timeout of 0 for one of a minute, and ours is one nanosecond less
	// than what was asked for.
	_, err := sonybreaker.New(resilience.BreakerConfig{OpenFor: 1})
	if err == nil || !strings.Contains(err.Error(), "OpenFor is 1ns: must be at least 2ns") {
		t.Errorf("New with OpenFor 1ns: %v", err)
	}
}

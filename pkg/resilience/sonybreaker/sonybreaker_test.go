package sonybreaker_test

import (
	"testing"

	"reliability/pkg/resilience/breakertest"
	"reliability/pkg/resilience/sonybreaker"
)

func TestConformance(t *testing.T) { breakertest.Run(t, sonybreaker.New) }

func TestProgramsExhaustively(t *testing.T) { breakertest.RunExhaustive(t, sonybreaker.New) }

func TestProgramsAtRandom(t *testing.T) { breakertest.RunRandom(t, sonybreaker.New) }

func FuzzProgram(f *testing.F) { breakertest.Fuzz(f, sonybreaker.New) }

func TestHistories(t *testing.T) { breakertest.RunConcurrent(t, sonybreaker.New) }

package main

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is that of the lower bound, which is one-sided.
const confidence = 0.95

// An estimate is a geometric mean and its lower bound.
type estimate struct{ Mean, Low float64 }

// estimateOf takes the ratios' logarithms for a sample of Student's t.
func estimateOf(ratios []float64) estimate {
	logs := make([]float64, len(ratios))
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	n := float64(len(logs))
	mean, deviation := stat.MeanStdDev(logs, nil)
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(confidence)
	return estimate{Mean: math.Exp(mean), Low: math.Exp(mean - t*deviation/math.Sqrt(n))}
}

// A pair is one measurement of both: flaky, bare, bare, flaky, so that what changes
// steadily meanwhile hits both alike.
type pair struct{ flaky, bare [2]float64 }

func (p pair) ratio() float64 { return (p.flaky[0] + p.flaky[1]) / (p.bare[0] + p.bare[1]) }

// quantiles are of durations: each is one that was measured.
type quantiles struct{ Median, P99, Max time.Duration }

func quantilesOf(durations []time.Duration) quantiles {
	sorted := make([]float64, len(durations))
	for i, d := range durations {
		sorted[i] = float64(d)
	}
	slices.Sort(sorted)
	at := func(p float64) time.Duration { return time.Duration(stat.Quantile(p, stat.Empirical, sorted, nil)) }
	return quantiles{Median: at(0.5), P99: at(0.99), Max: at(1)}
}

func median(values []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

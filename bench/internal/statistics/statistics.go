// Package statistics is what the measuring commands conclude from their measurements.
package statistics

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is that of a bound, and of an interval.
const confidence = 0.95

// An Estimate is what ratios say together. Low is one-sided: the ratio is at least that.
// From and To enclose it.
type Estimate struct{ Mean, Median, Low, From, To float64 }

// EstimateOf takes the ratios' logarithms for a sample of Student's t. The mean is the
// geometric one.
func EstimateOf(ratios []float64) Estimate {
	logs := make([]float64, len(ratios))
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	n := float64(len(logs))
	mean, deviation := stat.MeanStdDev(logs, nil)
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}
	at := func(quantile float64) float64 { return math.Exp(mean + t.Quantile(quantile)*deviation/math.Sqrt(n)) }
	return Estimate{
		Mean: math.Exp(mean), Median: Median(ratios), Low: at(1 - confidence),
		From: at((1 - confidence) / 2), To: at((1 + confidence) / 2),
	}
}

// Quantiles are of durations: each is one that was measured.
type Quantiles struct{ Median, P99, Max time.Duration }

// QuantilesOf leaves the durations as they are.
func QuantilesOf(durations []time.Duration) Quantiles {
	sorted := make([]float64, len(durations))
	for i, d := range durations {
		sorted[i] = float64(d)
	}
	slices.Sort(sorted)
	at := func(p float64) time.Duration { return time.Duration(stat.Quantile(p, stat.Empirical, sorted, nil)) }
	return Quantiles{Median: at(0.5), P99: at(0.99), Max: at(1)}
}

// Median is one of the values, the lower one of two in the middle.
func Median(values []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

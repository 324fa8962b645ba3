package experiment

import (
	"math"

	"reliability/internal/experiment/report"
)

// thresholdTheory is the share of calls that succeed under noise, and from one opening to
// the next how many calls there are: a renewal process. A run of k failures takes
// (1 − pᵏ)/((1 − p)·pᵏ) calls in the mean (Feller, XIII.7). Then calls are turned away for
// the open time and one probes, as often as it takes until one succeeds.
func thresholdTheory(k float64) (success, cycle float64) {
	const p = thresholdNoise
	run := math.Pow(p, k)
	closed := (1 - run) / ((1 - p) * run)
	cycle = closed + thresholdOpen/thresholdEvery/(1-p)
	return (closed*(1-p) + 1) / cycle, cycle
}

// thresholdFigures are what a threshold costs under noise, and in an outage.
func thresholdFigures(r *Run, sweep []thresholdRun) []report.Figure {
	axis := report.Axis{Label: "threshold (failures in a row)", Min: 0.5, Max: 8.5}
	success, opened := report.Line{Name: "measured", Style: report.Dots}, report.Line{Name: "measured", Style: report.Dots}
	detected := report.Line{Name: "measured", Style: report.Dots}
	for _, t := range sweep {
		x := float64(t.k)
		success.XY = append(success.XY, report.Point{X: x, Y: float64(t.success) / float64(t.calls)})
		opened.XY = append(opened.XY, report.Point{X: x, Y: float64(t.opened) / t.minutes})
		detected.XY = append(detected.XY, report.Point{X: x, Y: r.InUnits(t.detected)})
	}
	successes, openings := report.Line{Name: "theory", Style: report.Curve}, report.Line{Name: "theory", Style: report.Curve}
	for x := 1.0; x <= 8; x += 0.1 {
		share, cycle := thresholdTheory(x)
		successes.XY = append(successes.XY, report.Point{X: x, Y: share})
		openings.XY = append(openings.XY, report.Point{X: x, Y: 1 / (cycle * r.Units(thresholdEvery).Minutes())})
	}
	last := float64(sweep[len(sweep)-1].k)
	gaps := report.Line{Name: "(k − 1) × time between calls", Style: report.Rule, XY: []report.Point{{X: 1}, {X: last, Y: (last - 1) * thresholdGap}}}
	return []report.Figure{
		{
			Name: "availability", Title: "Success under noise against the threshold",
			Caption: "A breaker that opens at the first failure makes an outage of noise; two in a row are rare already.",
			X:       axis, Y: report.Axis{Label: "share of calls that succeed", Min: 0, Max: 1}, Lines: []report.Line{successes, success},
		},
		{
			Name: "flapping", Title: "Openings under noise against the threshold",
			Caption: "Each step up makes false alarms rarer by the share of calls that fail.",
			X:       axis, Y: report.Axis{Label: "openings per minute"}, Lines: []report.Line{openings, opened},
		},
		{
			Name: "detection", Title: "Time to detect an outage against the threshold",
			Caption: "Each step up costs one failed call more before the breaker opens.",
			X:       axis, Y: report.Axis{Label: "from the outage's begin until open (attempt timeouts)"}, Lines: []report.Line{gaps, detected},
		},
	}
}

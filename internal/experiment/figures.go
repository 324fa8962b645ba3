package experiment

import (
	"time"

	"reliability/internal/experiment/report"
	"reliability/services/flaky"
)

// A window is a stretch of a load.
type window struct {
	from    time.Duration
	calls   int
	success float64 // share
}

// windows cuts a load into stretches of one width, by when the calls were due. Empty ones
// are left out.
func windows(samples []Sample, width time.Duration) []window {
	var all []window
	ok := 0
	for _, s := range samples {
		from := s.Due.Truncate(width)
		if len(all) == 0 || all[len(all)-1].from != from {
			all, ok = append(all, window{from: from}), 0
		}
		w := &all[len(all)-1]
		w.calls++
		if s.OK() {
			ok++
		}
		w.success = float64(ok) / float64(w.calls)
	}
	return all
}

// stateRow is the band of an engine's breaker, as the answers of its calls tell.
func stateRow(r *Run, samples []Sample, engine string) report.Row {
	row := report.Row{Name: engine}
	for _, s := range samples {
		if s.Engine != engine {
			continue
		}
		at := r.InUnits(s.Due)
		if n := len(row.Bars); n > 0 {
			row.Bars[n-1].To = at
			if row.Bars[n-1].State == s.Breaker.State {
				continue
			}
		}
		row.Bars = append(row.Bars, report.Bar{From: at, To: at, State: s.Breaker.State})
	}
	return row
}

// attemptRow is one call of a waterfall: its attempts, and the waits between.
func attemptRow(name string, s Sample) report.Row {
	row := report.Row{Name: name}
	end := 0.0
	for _, a := range s.Attempts {
		if a.StartMS > end && len(row.Bars) > 0 {
			row.Bars = append(row.Bars, report.Bar{From: end, To: a.StartMS, State: "wait"})
		}
		end = a.StartMS + a.DurationMS
		row.Bars = append(row.Bars, report.Bar{From: a.StartMS, To: end, State: a.Result})
	}
	return row
}

// arrivalsLine is what flaky saw arrive since begin, in stretches of one width.
func arrivalsLine(r *Run, name string, seen flaky.Recent, begin time.Time, width time.Duration) report.Line {
	line := report.Line{Name: name, Style: report.Steps}
	counts := map[time.Duration]int{}
	var last time.Duration
	for i, n := range seen.Counts {
		bucket := time.Duration(seen.BucketMS) * time.Millisecond
		from := max(0, seen.From.Add(time.Duration(i)*bucket).Sub(begin)).Truncate(width)
		counts[from] += int(n)
		last = max(last, from)
	}
	for from := time.Duration(0); from <= last+width; from += width {
		line.XY = append(line.XY, report.Point{X: r.InUnits(from), Y: float64(counts[from])})
	}
	return line
}

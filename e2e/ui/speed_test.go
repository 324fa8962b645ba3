package ui

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// watched counts what is drawn: every drawing of a chart and of a band begins with clearing its canvas.
const watched = `(() => {
	const seen = window.seen = {charts: 0, bands: 0, rows: 0, frames: 0, longest: 0};
	const clear = CanvasRenderingContext2D.prototype.clearRect;
	CanvasRenderingContext2D.prototype.clearRect = function (...box) {
		if (this.canvas.closest('#chart-load')) seen.charts++;
		if (this.canvas.closest('#handrolled')) seen.bands++;
		return clear.apply(this, box);
	};
	new MutationObserver((changes) => { if (changes.some((c) => c.addedNodes.length)) seen.rows++; }).observe(document.querySelector('#list'), {childList: true});
	let last = performance.now();
	requestAnimationFrame(function frame(now) {
		seen.frames++;
		seen.longest = Math.max(seen.longest, now - last);
		last = now;
		requestAnimationFrame(frame);
	});
})()`

// TestSpeed: at 500 calls a second four snapshots a second come, and each is drawn.
func TestSpeed(t *testing.T) {
	const measured = 10 * time.Second
	v := alone(t)
	var snapshots atomic.Int64
	v.send(http.MethodPut, "api/faults", `{"error_rate":0.1}`) // retries, decisions, a breaker now and then
	v.listen(func(event any) {
		if e, ok := event.(*network.EventEventSourceMessageReceived); ok && e.EventName == "snapshot" {
			snapshots.Add(1)
		}
	})
	v.send(http.MethodPut, "api/load", `{"rate":500}`)
	v.step("under load", browser.Holds(figure(".stage-caller .value")+" > 450"), chromedp.Evaluate(watched, nil))
	before, start := snapshots.Load(), time.Now()
	v.step("measured", chromedp.Sleep(measured))
	came, took := float64(snapshots.Load()-before), time.Since(start)
	type counts struct{ Charts, Bands, Rows, Frames, Longest float64 }
	seen := eval[counts](v, `({Charts: seen.charts, Bands: seen.bands, Rows: seen.rows, Frames: seen.frames, Longest: seen.longest})`)
	t.Logf("in %v at 500 calls/s: %.0f snapshots, %.0f drawings of a chart, %.0f of a band, %.0f changes of the list, %.0f frames, the longest after %.0f ms",
		took.Round(time.Millisecond), came, seen.Charts, seen.Bands, seen.Rows, seen.Frames, seen.Longest)
	if wanted := 4 * took.Seconds(); came < 0.9*wanted || came > 1.1*wanted {
		t.Errorf("%.0f snapshots in %v, of which %.0f were due", came, took, wanted)
	}
	const atEnds = 2 // what is on its way
	if least := came - atEnds; seen.Charts < least || seen.Bands < least || seen.Rows < least {
		t.Errorf("of %.0f snapshots not all are drawn: %+v", came, seen)
	}
	// A longer one would be an update that is dropped.
	if seen.Longest > 250 {
		t.Errorf("a frame came %.0f ms after the one before it", seen.Longest)
	}
}

package ui

import (
	"net/http"
	"syscall"
	"testing"

	"reliability/e2e/browser"
)

const charted = `['#chart-success', '#chart-load', '#chart-latency', '#chart-pods'].every((id) => /\d/.test(document.querySelector(id + ' .legend b')?.textContent))`

// TestKilled: the page says that nobody answers, and goes on by itself with whoever does.
func TestKilled(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.send(http.MethodPatch, "api/policy", `{"timeout":{"limit":"321ms"}}`)
	v.step("running", click("#break"), browser.Holds(both("open")), browser.Holds(charted), browser.Shows("#order", "321ms"))
	v.Allow("", browser.NoAnswer)
	v.Kill()
	v.step("down", browser.Shows("#live", "^caller does not answer; trying again$"), browser.Holds(`document.body.dataset.live === 'down'`))
	v.accessible("down")
	for button, complaint := range map[string]string{
		"#break": "#faults-error", "#policy-retry": "#policy-error", "[data-rate='100']": "#load-error", "#call": "#calls .error", "#gobreaker [data-mode=open]": "#gobreaker .error",
	} {
		v.step("said where one acts "+button, click(button), browser.Holds(shown(complaint)), browser.Shows(complaint, "^caller does not answer$"))
	}
	if err := v.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.step("back", browser.Shows("#live", "^live"), browser.Holds(`document.body.dataset.live === 'live'`), browser.Holds(both("closed")),
		browser.Shows("#order", "250ms"), browser.Shows("#failing", "^0 of 1"), browser.Shows("#handrolled .last", "No transition yet"))
	v.step("anew", click("[data-filter=all]"), click("#call"), browser.Holds(`document.querySelector('#list > li')?.dataset.outcome === 'success'`), browser.Shows("#success", "^100"))
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.step("drawn", browser.Holds(charted), browser.Holds(figure("#amplification")+" === 1"), browser.Holds(figure(".stage-caller .value")+" > 15"))
}

// TestStalled: a stream that says nothing and does not end is said to be stale.
func TestStalled(t *testing.T) {
	v := visiting(t)
	v.Allow("api/", browser.NoAnswer)
	if err := v.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resumed := false
	resume := func() error { resumed = true; return v.Signal(syscall.SIGCONT) }
	defer func() {
		if !resumed {
			_ = resume() // it could not end otherwise
		}
	}()
	v.step("stale", browser.Shows("#live", "^stale"), browser.Holds(`document.body.dataset.live === 'stale'`))
	v.accessible("stale")
	v.step("given up", browser.Shows("#live", "^caller does not answer"))
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	v.step("live", browser.Shows("#live", "^live"))
}

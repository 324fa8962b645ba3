package ui

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"reliability/e2e/browser"
)

// everywhere asks axe about the page in both themes, wide and narrow, and looks that
// nothing is wider than a narrow window.
func (v *visit) everywhere(name string) {
	v.t.Helper()
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 360} {
			v.step(fmt.Sprintf("%s %s %d", name, theme, width), looks(theme), chromedp.EmulateViewport(width, 900), chromedp.Sleep(settled))
			v.accessible(fmt.Sprintf("%s, %s, %d px", name, theme, width))
			v.fits(name, width)
		}
	}
	v.step("wide again", chromedp.EmulateViewport(1280, 800))
}

// fits looks that a page is not wider than its window.
func (v *visit) fits(name string, width int64) {
	v.t.Helper()
	if wide := eval[[]string](v, `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility()).map((e) => e.outerHTML.slice(0, 90))`); len(wide) > 0 {
		v.t.Errorf("%s: at %d px one scrolls sideways, because of %d: %s", name, width, len(wide), strings.Join(wide[:min(4, len(wide))], "\n"))
	}
}

// TestAccessibleRunning: healthy and in an outage.
func TestAccessibleRunning(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.step("healthy", browser.Shows("#success", "^100"), browser.Holds(charted))
	v.everywhere("healthy")
	v.step("outage", click("#break"), browser.Holds(both("open")), click("[data-filter=rejected]"), browser.Shows("#list .outcome", "rejected"))
	v.everywhere("outage")
}

// TestAccessibleUnfolded: everything that can be opened in place is.
func TestAccessibleUnfolded(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/faults", `{"fail_first":{"count":1,"per":"call"},"latency":{"value":"5ms"}}`)
	v.step("opened", click("#call"), browser.Shows("#list .how", "after 2"), click("#list .head"), browser.Shows("#list .waterfall", "flaky"), unfold("body"), browser.Holds(shown("#list .waterfall dl")),
		browser.Holds(shown(field("#faults-form", "latency.value"))))
	v.everywhere("unfolded")
}

// TestAccessibleDialogs: help, a trace, the tour and what a link offers.
func TestAccessibleDialogs(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/faults", `{"fail_first":{"count":1,"per":"call"}}`)
	id := strings.Split(v.send(http.MethodGet, "call", ""), `"trace_id": "`)[1][:32]
	v.step("trace", chromedp.Evaluate(`location.hash = 'trace=`+id+`'`, nil), browser.Shows("#trace .waterfall", "flaky"), unfold("#trace"))
	v.everywhere("trace")
	v.step("help", chromedp.KeyEvent(kb.Escape), click("#help-open"), browser.Holds(`document.querySelector('#help').open`))
	v.everywhere("help")
	v.step("tour", chromedp.KeyEvent(kb.Escape), click("#tour-start"), on(1), browser.Shows("#tour-now", "of calls"))
	v.everywhere("tour")
	v.step("offer", click("#tour-leave"), browser.Holds("!"+shown("#tour")), browser.Shows("#in-force", "first 1"), chromedp.Evaluate(`location.hash = 'fault=hang&nonsense=1'`, nil), browser.Holds(shown("#link-offer")))
	v.everywhere("offer")
}

// TestAccessibleErrors: whatever can be refused is, and nobody answers.
func TestAccessibleErrors(t *testing.T) {
	v := visiting(t)
	for _, path := range []string{"api/policy", "api/faults", "api/load"} {
		v.Allow(path, http.StatusBadRequest)
	}
	v.step("refused", unfold("body"), fill(field("#policy-form", "retry.max_attempts"), "0"), submit(), browser.Holds(shown("#policy-form .error")),
		fill(field("#faults-form", "error_rate"), "2"), submit(), browser.Holds(shown("#faults-form .error")),
		fill("#rate", "-1"), submit(), browser.Holds(shown("#load-error")),
		click(`[aria-label="breaker one further out"]`), browser.Shows("#pipeline", "^retry ▸ breaker"), click(`[aria-label="breaker one further out"]`), browser.Holds(shown("#anyway")))
	v.everywhere("refused")
	v.Allow("", browser.NoAnswer)
	if err := v.End(); err != nil {
		t.Fatal(err)
	}
	v.step("down", browser.Holds(`document.body.dataset.live === 'down'`), click("#break"), click("#call"), browser.Holds(shown("#faults-error")), browser.Holds(shown("#calls .error")))
	v.everywhere("down")
}

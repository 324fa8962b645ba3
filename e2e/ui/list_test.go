package ui

import (
	"fmt"
	"math"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// TestFilters: each shows what it says, and nothing else.
func TestFilters(t *testing.T) {
	v := visiting(t)
	v.Allow("call", http.StatusBadGateway)
	v.Allow("call", http.StatusServiceUnavailable)
	rows := func(n int) chromedp.Action {
		return browser.Holds(fmt.Sprintf(`document.querySelectorAll('#list > li').length === %d`, n))
	}
	v.step("succeeded", click("#call"), rows(2))
	v.send(http.MethodPut, "api/faults", `{"fail_first":{"count":1,"per":"call"}}`)
	v.step("retried", click("#call"), rows(4))
	v.send(http.MethodPut, "api/faults", `{"error_rate":1}`)
	v.send(http.MethodPatch, "api/policy", `{"order":["breaker"]}`)
	v.step("failed", click("#call"), rows(6))
	for _, engine := range []string{"handrolled", "gobreaker"} {
		v.send(http.MethodPost, "api/breakers/"+engine+"/open", "")
	}
	v.step("rejected", click("#call"), rows(8))
	const seen = `[...document.querySelectorAll('#list > li')].map((li) => li.querySelector('.outcome').textContent + ' ' + li.querySelector('.how').textContent.replace('\u00a0', ' ')).join()`
	for filter, want := range map[string]string{
		"failed": "rejected breaker open,rejected breaker open,failed ,failed ", "retried": "ok after 2 attempts,ok after 2 attempts", "rejected": "rejected breaker open,rejected breaker open",
		"all": "rejected breaker open,rejected breaker open,failed ,failed ,ok after 2 attempts,ok after 2 attempts,ok ,ok ",
	} {
		v.step(filter, click("[data-filter="+filter+"]"), browser.Holds(fmt.Sprintf(`document.querySelector('[data-filter=%s]').ariaPressed === 'true'`, filter)),
			browser.Holds(`document.querySelectorAll('[data-filter][aria-pressed=true]').length === 1`))
		if got := eval[string](v, seen); got != want {
			t.Errorf("%s shows %q; want %q", filter, got, want)
		}
	}
	v.send(http.MethodPatch, "api/policy", `{"order":[]}`)
	v.send(http.MethodPut, "api/faults", `{}`)
	v.step("not for these", click("[data-filter=rejected]"), click("#call"), browser.Holds(figure("#success-attempts")+" > 0"), rows(2))
}

// TestListHeld: the list stands still under the pointer, says so, and goes on afterwards.
func TestListHeld(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/load", `{"rate":50}`)
	v.step("moving", browser.Holds(`document.querySelectorAll('#list > li').length === 30`), chromedp.Evaluate(`document.querySelector('#list').scrollIntoView()`, nil))
	at := eval[struct{ X, Y float64 }](v, `(({x, y}) => ({X: x + 200, Y: y + 60}))(document.querySelector('#list').getBoundingClientRect())`)
	const rows, newest = `[...document.querySelectorAll('#list time')].map((t) => t.textContent).join()`, `document.querySelector('#list time').textContent`
	v.step("held", chromedp.MouseEvent("mouseMoved", at.X, at.Y), browser.Shows("#held", "^held while you look"))
	before := eval[string](v, rows)
	v.step("others come", browser.Shows("#left", `^\d{2,}.newer calls left out$`))
	if after := eval[string](v, rows); after != before {
		t.Errorf("the list moved under the pointer: %s, then %s", before, after)
	}
	last := eval[string](v, newest)
	v.step("released", chromedp.MouseEvent("mouseMoved", 1, 1), browser.Holds(newest+" > '"+last+"'"), browser.Holds(`!document.querySelector('#held').textContent.startsWith('held')`))
}

// TestListUnmoved: the list does not slip away from under the pointer by what is said of it.
func TestListUnmoved(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	const top = `document.querySelector('#list').getBoundingClientRect().top + scrollY`
	v.step("full", browser.Holds(`document.querySelectorAll('#list > li').length === 30`))
	for _, width := range []int64{1280, 1000, 720, 360} {
		v.step(fmt.Sprint(width, " px"), chromedp.EmulateViewport(width, 800), chromedp.MouseEvent("mouseMoved", 1, 1), chromedp.Sleep(settled), browser.Shows("#held", "^$"), browser.Shows("#left", "^$"),
			chromedp.Evaluate(`document.querySelector('#list').scrollIntoView()`, nil))
		was := eval[float64](v, top)
		v.step("held", chromedp.MouseEvent("mouseMoved", 100, 100), browser.Shows("#held", "^held"), browser.Shows("#left", "newer calls? left out"))
		if is := eval[float64](v, top); math.Abs(is-was) > 1 {
			t.Errorf("%d px: the list was at %v and is at %v", width, was, is)
		}
		v.step("not held", chromedp.MouseEvent("mouseMoved", 1, 1), chromedp.Evaluate(`scrollTo(0, 0)`, nil))
	}
}

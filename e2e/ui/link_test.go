package ui

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// elsewhere opens an address of the page anew, as one who was sent it does.
func (v *visit) elsewhere(hash string) chromedp.Action {
	return chromedp.Tasks{chromedp.Navigate("about:blank"), chromedp.Navigate(v.Page + hash), browser.Shows("#live", "^live")}
}

// TestLink: the address holds the situation. Elsewhere it is offered, and in force once
// it is taken.
func TestLink(t *testing.T) {
	here := visiting(t)
	here.step("changed", click(preset("slow")), browser.Shows("#in-force", "latency lognormal 200ms"), click("#policy-retry"), browser.Holds(`document.querySelector('.stage-retry') === null`),
		click("[data-rate='100']"), unfold("#protect"), fill(field("#policy-form", "breaker.open_for"), "7s"), submit(), click("[data-filter=failed]"),
		browser.Holds(`['fault=slow', 'retry=off', 'breaker.open_for=7s', 'load=100', 'calls=failed'].every((part) => location.hash.slice(1).split('&').includes(part))`))
	hash := eval[string](here, `location.hash`)

	there := alone(t)
	there.Allow("", browser.NoAnswer) // the page that is left
	before := there.situation()
	there.step("offered", there.elsewhere(hash), browser.Holds(shown("#link-offer")))
	offer := eval[string](there, `[...document.querySelectorAll('#link-changes li')].map((li) => li.textContent).join('\n')`)
	for _, want := range []string{"flaky: latency lognormal 200ms", "policies: timeout ▸ breaker", "breaker.open_for: 7s", "load, rate: 100"} {
		if !strings.Contains(offer, want) {
			t.Errorf("the offer does not say %s: %q", want, offer)
		}
	}
	if strings.Count(offer, "\n") != 3 {
		t.Errorf("the offer has something else: %q", offer)
	}
	if now := there.situation(); now != before {
		t.Errorf("the link alone changed what is in force: %s", now)
	}
	there.step("address", browser.Holds(`location.hash === '`+hash+`'`))
	there.accessible("offer")
	there.step("taken", click("#link-apply"), browser.Holds("!"+shown("#link-offer")), browser.Shows("#in-force", "latency lognormal 200ms"), browser.Shows("#pipeline", "^timeout ▸ breaker ▸ call"),
		browser.Shows("#order", "open 7s"), value("#rate", "100"), browser.Holds(`document.querySelector('[data-filter=failed]').ariaPressed === 'true'`), browser.Holds(`location.hash === '`+hash+`'`))
	if got, want := there.situation(), here.situation(); got != want {
		t.Errorf("there it is %s; here it is %s", got, want)
	}
	there.step("in force already", there.elsewhere(hash), browser.Shows("#order", "open 7s"), browser.Shows("#in-force", "lognormal"), browser.Holds(`performance.now() > 1500`), browser.Holds("!"+shown("#link-offer")))
}

// TestLinkRefused: what is not understood is named, what caller refuses is said, and what
// is not wanted is left.
func TestLinkRefused(t *testing.T) {
	v := visiting(t)
	v.Allow("api/policy", http.StatusBadRequest)
	v.step("known", browser.Shows("#order", "250ms"), browser.Shows("#in-force", ": healthy"))
	before := v.situation()
	to := func(hash string) chromedp.Action { return chromedp.Evaluate(`location.hash = '`+hash+`'`, nil) }
	v.step("unknown", to("fault=errors&nonsense=1&breaker.nothing=2"), browser.Holds(shown("#link-offer")),
		browser.Shows("#link-changes", "not understood: nonsense=1"), browser.Shows("#link-changes", "not understood: breaker.nothing=2"), browser.Shows("#link-changes", `flaky: 503 for 100.%`))
	v.step("left", click("#link-dismiss"), browser.Holds("!"+shown("#link-offer")), browser.Holds(`!location.hash.includes('nonsense')`))
	v.step("nothing known", to("nonsense=1&load=0"), browser.Holds(shown("#link-offer")), browser.Holds("!"+shown("#link-apply")), click("#link-dismiss"))
	v.step("refused", to("breaker.failures=-1"), browser.Shows("#link-changes", "breaker.failures: -1"), click("#link-apply"), browser.Shows("#link-error", "."), browser.Holds(shown("#link-offer")))
	if now := v.situation(); now != before {
		t.Errorf("changed all the same: %s", now)
	}
	v.step("edited by hand", to("fault=hang"), browser.Shows("#link-changes", "hang 100.%"), click("#link-apply"), browser.Shows("#in-force", "hang 100.%"))
}

// TestLinkToTrace: it opens that trace.
func TestLinkToTrace(t *testing.T) {
	v := visiting(t)
	v.Allow("", browser.NoAnswer)
	v.Allow("api/traces/", http.StatusNotFound)
	id := strings.Split(v.send(http.MethodGet, "call", ""), `"trace_id": "`)[1][:32]
	v.step("opened", v.elsewhere("#trace="+id), browser.Holds(`document.querySelector('#trace').open`), browser.Shows("#trace-title", id[:8]), browser.Shows("#trace-body .waterfall", "flaky"),
		browser.Holds("!"+shown("#link-offer")))
	v.step("gone", v.elsewhere("#trace=0123456789abcdef0123456789abcdef"), browser.Shows("#trace-body", "no longer in memory"))
}

// TestLinkWaits: an address is not written anew before somebody has looked at it, however
// long what must be known first takes.
func TestLinkWaits(t *testing.T) {
	v := visiting(t)
	v.Allow("", browser.NoAnswer)
	const late = `const get = window.fetch;
		window.fetch = (path, options) => (String(path) === '/api/history' ? new Promise((done) => setTimeout(done, 1500)).then(() => get(path, options)) : get(path, options))`
	v.step("late", chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(late).Do(ctx)
		return err
	}), v.elsewhere("#fault=errors"), browser.Shows("#link-changes", `flaky: 503 for 100.%`), browser.Holds(`location.hash === '#fault=errors'`))
}

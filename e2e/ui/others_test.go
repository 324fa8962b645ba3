package ui

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// soon is when a change by somebody else must be on the page: a second, and another for a
// machine with more to do.
const soon = 2 * time.Second

// TestOthers: what others change is soon on the page.
func TestOthers(t *testing.T) {
	v := visiting(t)
	seen := func(what string, change func(), actions ...chromedp.Action) {
		t.Helper()
		change()
		start := time.Now()
		v.step(what, actions...)
		took := time.Since(start)
		t.Logf("%s: on the page after %v", what, took.Round(time.Millisecond))
		if took > soon {
			t.Errorf("%s: on the page after %v, allowed %v", what, took, soon)
		}
	}
	seen("policy", func() {
		v.send(http.MethodPatch, "api/policy", `{"order":["retry","breaker"],"retry":{"max_attempts":2}}`)
	},
		browser.Shows("#order", `retry2.attempts`), browser.Holds(`document.querySelector('.stage-timeout') === null`), browser.Shows("#policy-source", "set by API"))
	seen("load", func() { v.send(http.MethodPut, "api/load", `{"rate":7,"handrolled":0.25,"arrivals":"poisson"}`) },
		value("#rate", "7"), value("#arrivals", "poisson"), value("#share", "0.75"), browser.Shows("#share-value", "^25.0.% hand-rolled, 75.0.% gobreaker$"))
	seen("faults", func() {
		if status, answer := ask(t.Context(), http.MethodPut, v.FlakyAdmin, `{"error_rate":0.5}`); status != http.StatusOK {
			t.Fatal(status, answer)
		}
	}, browser.Shows("#in-force", `503 for 50\.0.% \(API\)`), browser.Shows("#failing", "^1 of 1"), browser.Shows("#replicas", `503 for 50\.0.%`), browser.Shows("#dial-value", `^50\.0.%$`))
	seen("breaker", func() { v.send(http.MethodPost, "api/breakers/gobreaker/open", "") },
		browser.Shows("#gobreaker .word", "^OPEN$"), browser.Shows("#gobreaker .mode", "held by hand"))
}

// TestEdited: a field under the hand is not overwritten, and says what is in force meanwhile.
func TestEdited(t *testing.T) {
	v := visiting(t)
	limit, rate := field("#policy-form", "timeout.limit"), field("#faults-form", "error_rate")
	v.step("typed", unfold("body"), fill(limit, "123ms"), fill(rate, "0.9"), fill("#rate", "33"))
	v.send(http.MethodPatch, "api/policy", `{"timeout":{"limit":"777ms"},"retry":{"max_attempts":9}}`)
	v.send(http.MethodPut, "api/faults", `{"error_rate":0.1}`)
	v.send(http.MethodPut, "api/load", `{"rate":7}`)
	v.step("changed", browser.Shows("#order", "777ms for an attempt"), browser.Shows("#in-force", `503 for 10\.0.%`), browser.Holds(`document.querySelector('[data-rate="0"]').ariaPressed === 'false'`),
		browser.Shows(".field:has(> [name='timeout.limit']) .now", "^in force: 777ms$"), browser.Shows(".field:has(> [name='error_rate']) .now", `^in force: 0\.1$`),
		value(field("#policy-form", "retry.max_attempts"), "9"), // nobody was at that one
		value(limit, "123ms"), value(rate, "0.9"), value("#rate", "33"))
	v.step("sent", submit(), browser.Holds(`document.querySelector('#rate').value === '33'`))
	v.step("load", browser.Holds(`performance.getEntriesByType('resource').some((e) => e.name.endsWith('/api/load'))`))
	v.has("api/load", `"rate":33`)
	v.step("applied", click("#policy-form button[type=submit]"), browser.Shows("#order", "123ms for an attempt"), browser.Holds(`!document.querySelector(".field:has(> [name='timeout.limit']) .now").checkVisibility()`))
	v.has("api/policy", `"max_attempts":9`, `"limit":"123ms"`)
}

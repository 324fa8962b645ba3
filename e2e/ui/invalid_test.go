package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"reliability/e2e/browser"
)

// marked looks that a field is marked as wrong, in caller's own words, which a screen
// reader reads with it.
func (v *visit) marked(selector, method, path, document string) {
	v.t.Helper()
	v.step("marked "+selector, browser.Holds(fmt.Sprintf(`document.querySelector(%q).getAttribute('aria-invalid') === 'true'`, selector)))
	told := eval[[]string](v, fmt.Sprintf(`document.querySelector(%q).getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id))
		.filter((e) => e.checkVisibility() && e.classList.contains('error')).map((e) => e.textContent)`, selector))
	_, err := v.Send(v.t.Context(), method, path, document)
	if err == nil {
		v.t.Fatalf("%s is accepted", document)
	}
	if len(told) != 1 || !strings.Contains(err.Error(), `"allowed": `+quoted(strings.TrimPrefix(told[0], "must be "))) {
		v.t.Errorf("%s says %q; caller says %v", selector, told, err)
	}
	if !eval[bool](v, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
		v.t.Errorf("the focus is not at %s, which is wrong", selector)
	}
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // of a string, which always can be
	return string(text)
}

// TestInvalidParameter: it is marked, changes nothing, and the other edits wait until it is right.
func TestInvalidParameter(t *testing.T) {
	v := visiting(t)
	v.Allow("api/policy", http.StatusBadRequest)
	limit, most := field("#policy-form", "timeout.limit"), field("#policy-form", "retry.max_attempts")
	before := v.inForce("api/policy")
	v.step("wrong", unfold("#protect"), fill(most, "6"), fill(limit, "soon"), submit())
	v.marked(limit, http.MethodPatch, "api/policy", `{"timeout":{"limit":"soon"}}`)
	if after := v.inForce("api/policy"); after != before {
		t.Errorf("a refused change changed what is in force: %s", after)
	}
	v.step("kept", value(most, "6"), value(limit, "soon"), browser.Shows("#policy-form button[type=submit]", "^Apply 2 changes$"))
	v.step("right", fill(limit, "300ms"), submit(), browser.Shows("#order", `6.attempts.*300ms for an attempt`),
		browser.Holds(fmt.Sprintf(`document.querySelector(%q).getAttribute('aria-invalid') === null`, limit)))
	v.has("api/policy", `"max_attempts":6`, `"timeout":{"limit":"300ms"}`)
	v.step("discarded", fill(most, "7"), click("#policy-form .foot button[type=button]"), value(most, "6"))
	v.has("api/policy", `"max_attempts":6`)
}

func TestInvalidFault(t *testing.T) {
	v := visiting(t)
	v.Allow("api/faults", http.StatusBadRequest)
	rate := field("#faults-form", "error_rate")
	v.step("wrong", unfold("#faults"), fill(rate, "2"), submit())
	v.marked(rate, http.MethodPut, "api/faults", `{"error_rate":2}`)
	v.has("api/faults", `"source":"boot"`)
	v.step("right", fill(rate, "0.2"), submit(), browser.Shows("#in-force", `503 for 20\.0.% \(API\)`))
	v.has("api/faults", `"error_rate":0.2`)
	v.step("in a group", click(field("#faults-form", "latency.on")), fill(field("#faults-form", "latency.value"), "never"), click("#faults-form button[type=submit]"))
	v.marked(field("#faults-form", "latency.value"), http.MethodPut, "api/faults", `{"error_rate":0.2,"latency":{"distribution":"fixed","value":"never"}}`)
	v.step("right, too", fill(field("#faults-form", "latency.value"), "20ms"), submit(), browser.Shows("#in-force", `latency fixed 20ms, 503 for 20\.0.%`))
	v.step("off", click(field("#faults-form", "latency.on")), click("#faults-form button[type=submit]"), browser.Shows("#in-force", `: 503 for 20\.0.%`))
}

// TestOrderRefused: an order in which a policy cannot do what it promises is said to be
// one, and done only for those who insist.
func TestOrderRefused(t *testing.T) {
	v := visiting(t)
	v.Allow("api/policy", http.StatusBadRequest)
	v.step("refused", click(`[aria-label="breaker one further out"]`), browser.Shows("#pipeline", "^retry ▸ breaker"), click(`[aria-label="breaker one further out"]`),
		browser.Holds(shown("#anyway")), browser.Shows("#policy-error", "order must be "))
	order := decoded[struct {
		Policy struct{ Order []string }
	}](v, "api/policy").Policy.Order
	if order[0] != "retry" {
		t.Errorf("%v is in force all the same", order)
	}
	v.accessible("refused")
	v.step("done", click("#anyway"), browser.Shows("#pipeline", "^breaker ▸ retry ▸"), browser.Shows("#warnings", "retry inside circuit breaker"),
		browser.Holds("!"+shown("#anyway")), browser.Holds("!"+shown("#policy-error")))
	v.has("api/policy", `"order":["breaker","retry","timeout"]`, `"any_order":true`)
}

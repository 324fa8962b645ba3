package ui

import (
	"net/http"
	"testing"

	"reliability/e2e/browser"
)

// withoutBreaker is a policy under which three failures in ten open nothing.
const withoutBreaker = `CALLER_POLICY={"order":["retry","timeout"]}`

// TestPolicySwitchedOff: a policy goes from the path, from what is in force and from what
// clients see, and comes back.
func TestPolicySwitchedOff(t *testing.T) {
	v := visiting(t, withoutBreaker)
	v.send(http.MethodPut, "api/load", `{"rate":50}`)
	v.send(http.MethodPut, "api/faults", `{"error_rate":0.3}`)
	v.step("retried", browser.Holds(figure("#success-attempts")+" < 85"), browser.Holds(figure("#success")+" > 90"),
		browser.Holds(figure("#amplification")+" > 1.2"), browser.Shows(".stage-retry .label", "^Retry$"))
	v.step("off", click("#policy-retry"), browser.Holds(`document.querySelector('.stage-retry') === null`),
		browser.Shows("#pipeline", "^timeout ▸ call$"), browser.Shows("#explain", `^At worst 1.attempt,`))
	v.has("api/policy", `"order":["timeout"]`)
	v.step("seen by clients", browser.Holds(figure("#success")+" < 85"), browser.Holds(figure("#amplification")+" < 1.05"))
	v.step("on", click("#policy-retry"), browser.Shows(".stage-retry .value", `^\+\d`), browser.Shows("#pipeline", "^retry ▸ timeout ▸ call$"),
		browser.Holds(figure("#success")+" > 90"))
	v.has("api/policy", `"order":["retry","timeout"]`)
}

// TestParameter: a limit set by the form is in force, and cuts off what takes longer.
func TestParameter(t *testing.T) {
	v := visiting(t, withoutBreaker)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.send(http.MethodPut, "api/faults", `{"latency":{"value":"100ms"}}`)
	limit := field("#policy-form", "timeout.limit")
	v.step("slow", browser.Holds(figure("#success")+" > 99"), browser.Shows(".stage-timeout .value", `^0\.0/s$`))
	v.step("typed", unfold("#protect"), fill(limit, "50ms"), browser.Shows("#policy-form button[type=submit]", "^Apply 1 change$"))
	v.has("api/policy", `"timeout":{"limit":"250ms"}`)
	v.step("sent", submit(), browser.Shows("#order", "50ms for an attempt"), browser.Shows("#policy-form button[type=submit]", "^Apply$"))
	v.has("api/policy", `"timeout":{"limit":"50ms"}`)
	v.step("cut off", browser.Holds(figure(".stage-timeout .value")+" > 10"), browser.Holds(figure("#success")+" < 10"))
	v.step("as started", click("#policy-boot"), browser.Shows("#order", "250ms for an attempt"), value(limit, "250ms"), browser.Holds(figure("#success")+" > 90"))
}

// TestBreakersRule: the panels show the rule that is in force, and how near it is.
func TestBreakersRule(t *testing.T) {
	v := visiting(t)
	v.Allow("call", http.StatusBadGateway)
	v.send(http.MethodPut, "api/faults", `{"error_rate":1}`)
	v.send(http.MethodPatch, "api/policy", `{"order":["breaker"]}`)
	v.step("counted", click("#call"), click("#call"), browser.Shows("#gobreaker .why", "^2 of 5 failures in a row"))
	v.send(http.MethodPatch, "api/policy", `{"breaker":{"failure_rate":0.5,"min_calls":20}}`)
	v.step("another rule", browser.Shows("#order", "50.0.% failed, open 5s"),
		browser.Holds(`[...document.querySelectorAll('#gobreaker meter')].some((m) => /^calls seen: \d+, 20 needed$/.test(m.ariaLabel))`),
		click("#call"), browser.Shows("#handrolled .why", `\d+ calls seen, 20 needed`), browser.Holds(shown("#handrolled meter")))
}

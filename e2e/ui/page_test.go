package ui

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

func TestPage(t *testing.T) {
	v := visiting(t, `CALLER_POLICY={"breaker":{"open_for":"3s"}}`)
	// A call that fails is what this page is about.
	v.Allow("call", http.StatusBadGateway)
	v.Allow("call", http.StatusServiceUnavailable)
	v.step("healthy",
		browser.Shows("#handrolled .state", "^CLOSED$"), browser.Shows("#gobreaker .state", "^CLOSED$"),
		browser.Shows("#handrolled .why", "^0 of 5 failures in a row$"), browser.Shows("#faults", "^flaky: 1 replica, 0 failing$"))
	v.accessible("healthy")
	v.step("broken", chromedp.Click("#break", chromedp.ByQuery), browser.Shows("#faults", "1 failing"))
	v.step("open", browser.Until("#handrolled .state", "^OPEN$", "#call"), browser.Shows("#gobreaker .state", "^OPEN$"),
		browser.Shows("#handrolled .why", `^turns calls away, probes in [0-3](\.\d)?s$`),
		browser.Shows("#handrolled .last", "^closed → open at .*: 5 of 5 failures in a row, last: flaky answered 503 Service Unavailable$"))
	v.step("rejected", browser.Until("#list", "rejected after", "#call"))
	v.accessible("rejected")
	v.step("healed", chromedp.Click("#heal", chromedp.ByQuery), browser.Shows("#faults", "0 failing"))
	v.step("half-open", browser.Shows("#handrolled .state", "^HALF-OPEN$"), browser.Shows("#handrolled .why", "^0 of 2 probes succeeded, 0 out$"))
	v.step("closed again", browser.Until("#gobreaker .state", "^CLOSED$", "#call"), browser.Shows("#handrolled .state", "^CLOSED$"),
		browser.Shows("#gobreaker .last", "half-open → closed .*: 2 of 2 probes succeeded"))
	v.step("narrow", chromedp.EmulateViewport(360, 740), browser.Holds(`document.documentElement.scrollWidth <= 360`))
	v.step("dark", chromedp.EmulateViewport(1280, 800), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	v.accessible("dark")
	v.Allow("api/", browser.NoAnswer)
	if err := v.End(); err != nil {
		t.Fatal(err)
	}
	v.step("stale", browser.Shows("#live", "^caller does not answer; trying again$"))
}

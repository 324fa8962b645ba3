package ui

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"reliability/e2e/browser"
)

// TestRetriedCall: its row tells the attempts, and opened it shows the spans of both services.
func TestRetriedCall(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/faults", `{"fail_first":{"count":1,"per":"call"}}`)
	v.step("called", click("#call"), browser.Holds(`document.querySelectorAll('#list > li').length === 2`),
		browser.Shows("#list .outcome", "^ok$"), browser.Shows("#list .how", "^after 2.attempts$"),
		browser.Holds(`document.querySelectorAll('#list > li:first-child .head .bar').length === 2`), browser.Shows("#list .picture", "^503.*200$"))
	v.step("opened", click("#list .head"), browser.Holds(`document.querySelector('#list .head').ariaExpanded === 'true'`),
		browser.Shows("#list .story", `^retry\(timeout\(circuitbreaker\(call\)\)\), policy 1: attempt 1: 503 from flaky after .*; waited .*, attempt 2: 200 from flaky after`),
		browser.Shows("#list .waterfall .backoff", "back-off"))
	names := eval[[]string](v, `[...document.querySelectorAll('#list .waterfall .span .name')].map((n) => n.textContent)`)
	for _, want := range []string{"caller GET /call", "attempt 2", "flaky", "503", "200", "fail_first"} {
		if !strings.Contains(strings.Join(names, "\n"), want) {
			t.Errorf("no %s in the spans: %q", want, names)
		}
	}
	if services := len(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, "flaky") })); len(names) < 5 || services != 2 {
		t.Errorf("%d spans, %d of them flaky's: %q", len(names), services, names)
	}
	v.step("a span", click("#list .waterfall .span summary"), browser.Shows("#list .waterfall .span dl", "http.request.method"))
	v.accessible("opened")
	v.step("closed", click("#list .head"), browser.Holds("!"+shown("#list .waterfall")))
}

// TestRejectedCall: it leads to the call that opened the breaker.
func TestRejectedCall(t *testing.T) {
	v := visiting(t, `CALLER_POLICY={"breaker":{"open_for":"1m"}}`)
	v.Allow("call", http.StatusBadGateway)
	v.Allow("call", http.StatusServiceUnavailable)
	v.step("open", click("#break"), browser.Shows("#failing", "^1 of 1"), browser.Until("#handrolled .word", "^OPEN$", "#call"), browser.Until("#gobreaker .word", "^OPEN$", "#call"))
	v.step("rejected", click("#call"), click("[data-filter=rejected]"), browser.Shows("#list .how", "^breaker open$"), browser.Shows("#list .outcome", "^rejected$"))
	engine := strings.ReplaceAll(eval[string](v, `document.querySelector('#list .engine').textContent`), "-", "")
	opened := decoded[struct {
		Engines map[string]struct {
			Breaker struct {
				Opened struct {
					TraceID string `json:"trace_id"`
				}
			}
		}
	}](v, "api/state").Engines[engine].Breaker.Opened.TraceID
	if len(opened) != 32 {
		t.Fatalf("the state of %s does not say what opened its breaker: %q", engine, opened)
	}
	v.step("opened", click("#list .head"), browser.Holds(shown("#list a.opened-by")),
		browser.Holds(fmt.Sprintf(`document.querySelector('#list a.opened-by').hash === '#trace=%s'`, opened)))
	v.step("followed", click("#list a.opened-by"), browser.Holds(`document.querySelector('#trace').open`), browser.Shows("#trace-title", opened[:8]),
		browser.Shows("#trace-body", "503"), browser.Shows("#trace-body .waterfall", "flaky"), browser.Shows("#trace-body .hint", opened))
	v.step("closed", click("#trace form button"), browser.Holds(`!document.querySelector('#trace').open`), browser.Holds(`document.activeElement.matches('a.opened-by')`))
	v.step("from the panel", click("#"+engine+" .last a.trace"), browser.Shows("#trace-title", opened[:8]))
}

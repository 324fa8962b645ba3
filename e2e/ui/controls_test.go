package ui

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"reliability/e2e/browser"
)

// pressed waits until one button of a group is pressed, and no other.
func pressed(group, button string) chromedp.Action {
	return browser.Holds(fmt.Sprintf(`(([one, ...more]) => more.length === 0 && Boolean(one?.matches(%q)))([...document.querySelectorAll(%q)])`, button, group+"[aria-pressed=true]"))
}

// TestPresets: each is in force with one click, and its dial turns it.
func TestPresets(t *testing.T) {
	v := visiting(t)
	v.Allow("call", http.StatusBadGateway)
	for _, p := range []struct{ name, inForce, document, dialled, turned string }{
		{"errors", `503 for 100.% \(API\)`, `"error_rate":1`, `^95\.0.%$`, `"error_rate":0.95`},
		{"slow", `latency lognormal 200ms`, `"median":"200ms","p99":"800ms"`, `^190.ms$`, `"median":"190ms","p99":"760ms"`},
		{"hang", `hang 100.%`, `"hang":{"rate":1`, `^95\.0.%$`, `"hang":{"rate":0.95`},
		{"reset", `reset 30\.0.%`, `"reset":{"rate":0.3`, `^25\.0.%$`, `"reset":{"rate":0.25`},
		{"flapping", `in a loop: 10s healthy, 5s 503 for 100.%`, `"for":"5s"`, `^4\.00.s$`, `"for":"4s"`},
		{"overload", `1.worker, queue of 20`, `"workers":1,"queue":20,"service_time":{"distribution":"fixed","value":"66.667ms"`, `^10/s$`, `"value":"100ms"`},
		{"dead", `crashed`, `"crash":{"after":"0s"`, "", ""},
		{"healthy", `healthy`, `"healthy":true`, "", ""},
	} {
		v.step(p.name, click(preset(p.name)), browser.Shows("#in-force", p.inForce), pressed("[data-preset]", preset(p.name)), browser.Shows("#watch", `\w+ .*\.`))
		v.has("api/faults", p.document)
		switch p.name {
		case "dead":
			v.step("nobody listens", browser.Holds("!"+shown("#dial")), click("#call"), browser.Shows("#list .picture", "connection refused"))
			if status, answer := ask(t.Context(), http.MethodGet, v.Flaky, ""); status != 0 {
				t.Errorf("flaky is dead and answers %d %s", status, answer)
			}
		case "healthy":
			v.step("somebody listens", browser.Holds("!"+shown("#dial")), click("#call"), browser.Shows("#list .outcome", "^ok$"))
			if status, answer := ask(t.Context(), http.MethodGet, v.Flaky, ""); status != http.StatusOK {
				t.Errorf("flaky is back and answers %d %s", status, answer)
			}
		default:
			v.step(p.name+" dialled", chromedp.Focus("#dial", chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowLeft), browser.Shows("#dial-value", p.dialled),
				v.until("api/faults", p.turned), pressed("[data-preset]", preset(p.name)))
		}
	}
	v.step("as born", click(preset("errors")), browser.Shows("#in-force", "API"), unfold("#faults"), click("#boot"), browser.Shows("#in-force", "boot profile healthy"))
	v.has("api/faults", `"source":"boot"`)
}

// TestLoad: by its buttons, by hand, by engine and by arrivals.
func TestLoad(t *testing.T) {
	v := visiting(t)
	v.Allow("api/load", http.StatusBadRequest)
	for _, rate := range []string{"20", "100", "500", "0"} {
		v.step(rate, click("[data-rate='"+rate+"']"), pressed("[data-rate]", "[data-rate='"+rate+"']"), value("#rate", rate))
		v.has("api/load", `"rate":`+rate+`,`)
	}
	v.step("typed", fill("#rate", "33"), submit(), browser.Holds(`document.querySelectorAll('[data-rate][aria-pressed=true]').length === 0`), browser.Holds(figure(".stage-caller .value")+" > 25"))
	v.has("api/load", `"rate":33,`)
	v.step("wrong", fill("#rate", "many"), submit())
	v.step("marked", browser.Shows("#load-error", "^rate must be "), browser.Holds(`document.querySelector('#rate').getAttribute('aria-invalid') === 'true'`), value("#rate", "many"))
	v.has("api/load", `"rate":33,`)
	v.step("right", fill("#rate", "0"), submit(), browser.Holds("!"+shown("#load-error")), browser.Holds(`document.querySelector('#rate').getAttribute('aria-invalid') === null`))
	v.step("shared", chromedp.Focus("#share", chromedp.ByQuery), chromedp.KeyEvent(kb.Home), browser.Shows("#share-value", "^100.% hand-rolled, 0.% gobreaker$"), v.until("api/load", `"handrolled":1`))
	v.step("arrivals", chromedp.Focus("#arrivals", chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowDown), v.until("api/load", `"arrivals":"poisson"`), value("#arrivals", "poisson"))
}

// TestModes: who decides of each breaker.
func TestModes(t *testing.T) {
	v := visiting(t)
	v.Allow("call", http.StatusServiceUnavailable)
	v.Allow("call", http.StatusBadGateway)
	for _, panel := range []string{"#handrolled", "#gobreaker"} {
		for _, m := range []struct{ mode, word, said string }{
			{"open", "OPEN", "held by hand"}, {"close", "CLOSED", "held by hand"}, {"observe", "CLOSED", "only observes"}, {"auto", "CLOSED", ""},
		} {
			v.step(panel+" "+m.mode, click(panel+" [data-mode="+m.mode+"]"), browser.Shows(panel+" .word", "^"+m.word+"$"), browser.Shows(panel+" .mode", "^"+m.said+"$"),
				pressed(panel+" [data-mode]", "[data-mode="+m.mode+"]"))
		}
	}
	v.step("held open", click("#gobreaker [data-mode=open]"), browser.Shows("#gobreaker .word", "OPEN"), click("#call"), browser.Holds(`['ok gobreaker', 'rejected hand-rolled', 'ok hand-rolled', 'rejected gobreaker'].filter((row) =>
		[...document.querySelectorAll('#list > li')].some((li) => li.querySelector('.outcome').textContent + ' ' + li.querySelector('.engine').textContent === row)).join() === 'ok hand-rolled,rejected gobreaker'`))
	// One that observes turns nobody away, whatever fails.
	v.step("observed", click("#gobreaker [data-mode=observe]"), browser.Shows("#gobreaker .mode", "only observes"), click("#break"), browser.Shows("#failing", "^1 of 1"), click("[data-filter=rejected]"),
		browser.Until("#handrolled .word", "^OPEN$", "#call"))
	v.step("never open", browser.Shows("#gobreaker .word", "^CLOSED$"), browser.Holds(`[...document.querySelectorAll('#list .engine')].filter((e) => e.textContent === 'gobreaker').length === 1`))
}

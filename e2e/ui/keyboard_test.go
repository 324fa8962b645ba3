package ui

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"reliability/e2e/browser"
)

// tabTo presses Tab, or Shift-Tab, until the focus is where it is wanted. On the way it is
// always somewhere, and to be seen there.
func (v *visit) tabTo(selector string) {
	v.t.Helper()
	key := chromedp.KeyEvent(kb.Tab)
	if eval[bool](v, fmt.Sprintf(`Boolean(document.activeElement.compareDocumentPosition(document.querySelector(%q)) & Node.DOCUMENT_POSITION_PRECEDING)`, selector)) {
		key = chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(input.ModifierShift))
	}
	for range 150 {
		v.step("tab", key)
		v.focused("on the way to " + selector)
		if eval[bool](v, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
	}
	v.t.Fatalf("%s is not reached by keys", selector)
}

// focused looks that the focus is not lost, is in the window and has an outline.
func (v *visit) focused(when string) {
	v.t.Helper()
	type focus struct {
		Where   string
		Outline bool
		Seen    bool
	}
	f := eval[focus](v, `(() => {
		const e = document.activeElement;
		const {outlineStyle, outlineWidth} = getComputedStyle(e);
		const {top, bottom, left, right} = e.getBoundingClientRect();
		return {Where: e === document.body ? 'nowhere' : e.outerHTML.slice(0, 120), Outline: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1,
			Seen: e.checkVisibility() && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth};
	})()`)
	if f.Where == "nowhere" || !f.Outline || !f.Seen {
		v.t.Errorf("%s: the focus is at %s; outline: %v, in the window: %v", when, f.Where, f.Outline, f.Seen)
	}
}

// keys presses keys, and looks what becomes of it and of the focus.
func (v *visit) keys(pressed string, actions ...chromedp.Action) {
	v.t.Helper()
	v.step(fmt.Sprintf("key %q", pressed), append([]chromedp.Action{chromedp.KeyEvent(pressed)}, actions...)...)
	v.focused(fmt.Sprintf("after %q", pressed))
}

// TestKeyboard: everything is done by keys alone.
func TestKeyboard(t *testing.T) {
	v := visiting(t, `CALLER_POLICY={"breaker":{"open_for":"30s"}}`)
	v.Allow("call", http.StatusBadGateway)
	v.Allow("call", http.StatusServiceUnavailable)
	v.Allow("api/policy", http.StatusBadRequest)
	v.tabTo(".skip")
	v.tabTo("#break")
	v.keys(kb.Enter, browser.Shows("#failing", "^1 of 1"))
	v.tabTo("#dial")
	v.keys(kb.ArrowLeft, browser.Shows("#in-force", `503 for 95\.0.%`))
	v.keys(kb.Home, browser.Shows("#in-force", `503 for 5\.0.%`))
	v.tabTo("#heal")
	v.keys(" ", browser.Shows("#failing", "^0 of 1"))
	v.tabTo("#handrolled [data-mode=open]")
	v.keys(kb.Enter, browser.Shows("#handrolled .word", "^OPEN$"), browser.Shows("#handrolled .mode", "held by hand"))
	v.tabTo("#handrolled [data-mode=auto]")
	v.keys(" ", browser.Holds(`document.querySelector('#handrolled .mode').textContent === ''`))
	v.tabTo("#policy-retry")
	v.keys(" ", browser.Holds(`document.querySelector('.stage-retry') === null`))
	v.keys(" ", browser.Shows(".stage-retry .label", "Retry"))
	v.tabTo(`[aria-label="timeout one further in"]`)
	v.keys(kb.Enter, browser.Shows("#pipeline", "^retry ▸ breaker ▸ timeout ▸ call$"))
	v.tabTo("#share")
	v.keys(kb.End, browser.Shows("#share-value", "^0.% hand-rolled"), browser.Holds(`document.querySelector('#share').value === '1'`))
	v.tabTo("#protect summary")
	v.keys(kb.Enter, browser.Holds(shown(field("#policy-form", "retry.max_attempts"))))
	v.tabTo(field("#policy-form", "retry.max_attempts"))
	v.keys("2", browser.Shows("#policy-form button[type=submit]", "^Apply 1 change$")) // it was selected
	v.keys(kb.Enter, browser.Shows("#order", "2.attempts"))
	v.tabTo("#call")
	v.keys(kb.Enter, browser.Holds(`document.querySelectorAll('#list > li').length === 2`))
	v.tabTo("#list li:nth-child(2) .head")
	v.keys(kb.Enter, browser.Holds(shown("#list li:nth-child(2) .waterfall")))
	v.tabTo("#list li:nth-child(2) .waterfall summary")
	v.keys(kb.Enter, browser.Holds(shown("#list li:nth-child(2) .waterfall dl")))
	v.tabTo("#charts [data-term], #figure [data-term]")
	v.focused("a term")
	v.step("explained", browser.Holds(shown("#explanation")))
	v.keys(kb.Escape, browser.Holds("!"+shown("#explanation")))
}

// TestKeys: those of one letter do what help says, and can be switched off.
func TestKeys(t *testing.T) {
	v := visiting(t)
	v.step("known", browser.Shows("#in-force", ": healthy"), browser.Shows("#order", "250ms"))
	v.tabTo("#theme")
	v.keys("b", browser.Shows("#failing", "^1 of 1"))
	v.keys("h", browser.Shows("#failing", "^0 of 1"))
	v.keys("t", browser.Holds(shown("#tour")))
	v.keys(kb.Escape, browser.Holds("!"+shown("#tour")), browser.Shows("#failing", "^0 of 1"))
	v.tabTo("#rate")
	v.step("typed", chromedp.KeyEvent("b?"), browser.Holds(`!document.querySelector('#help').open`)) // a field is a field
	v.has("api/faults", `"healthy":true`)
	v.tabTo("#help-open")
	v.keys("?", browser.Holds(`document.querySelector('#help').open`))
	v.keys(kb.Escape, browser.Holds(`!document.querySelector('#help').open`), browser.Holds(`document.activeElement.id === 'help-open'`))
	v.keys("?", browser.Holds(`document.querySelector('#help').open`))
	v.tabTo("#keys")
	v.keys(" ", browser.Holds(`!document.querySelector('#keys').checked`))
	v.keys(kb.Escape, browser.Holds(`!document.querySelector('#help').open`))
	// A key's handler is done before the next key comes.
	v.keys("b")
	v.keys("?", browser.Holds(`!document.querySelector('#help').open`))
	v.step("remembered", chromedp.Reload(), browser.Shows("#live", "^live"))
	v.tabTo("#help-open")
	v.keys("?")
	v.keys("b", browser.Holds(`!document.querySelector('#help').open`))
	v.has("api/faults", `"healthy":true`)
	v.keys(kb.Enter, browser.Holds(`document.querySelector('#help').open`), browser.Holds(`!document.querySelector('#keys').checked`))
}

// TestFocusKept: what hides or disables the control that one has used does not lose the focus.
func TestFocusKept(t *testing.T) {
	v := visiting(t)
	v.Allow("api/policy", http.StatusBadRequest)
	v.step("known", browser.Shows("#order", "250ms"))
	v.tabTo(`[aria-label="breaker one further out"]`)
	v.keys(kb.Enter, browser.Shows("#pipeline", "^retry ▸ breaker ▸ timeout"))
	v.keys(kb.Enter, browser.Holds(shown("#anyway")))
	v.tabTo("#anyway")
	v.keys(kb.Enter, browser.Shows("#pipeline", "^breaker ▸ retry ▸ timeout"), browser.Holds("!"+shown("#anyway")))
	v.tabTo("#protect details:has(#policy-form) > summary")
	v.keys(kb.Enter)
	v.tabTo(field("#policy-form", "retry.max_attempts"))
	v.keys("3")
	v.tabTo("#policy-form button[type=submit]")
	v.keys(kb.Enter, browser.Shows("#order", "3.attempts"))
	v.step("offered", chromedp.Evaluate(`location.hash = 'fault=errors'`, nil), browser.Holds(shown("#link-offer")))
	v.tabTo("#link-apply")
	v.keys(kb.Enter, browser.Holds("!"+shown("#link-offer")), browser.Shows("#failing", "^1 of 1"))
}

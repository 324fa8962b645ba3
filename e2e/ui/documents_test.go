package ui

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
	"reliability/e2e/documents"
)

// TestAddressesOfDocuments: each address of the lab in a document that holds a situation is offered, and understood.
func TestAddressesOfDocuments(t *testing.T) {
	all, err := documents.Read("../..")
	if err != nil {
		t.Fatal(err)
	}
	v := alone(t)
	v.Allow("", browser.NoAnswer) // the page that is left
	offered := 0
	for _, d := range all {
		for _, l := range d.Links {
			hash, is := strings.CutPrefix(l.To, "http://127.0.0.1:8080/#")
			if !is {
				continue
			}
			offered++
			v.step(hash, v.elsewhere("#"+hash), browser.Holds(shown("#link-offer")))
			offer := eval[string](v, `[...document.querySelectorAll('#link-changes li')].map((li) => li.textContent).join('\n')`)
			if strings.Contains(offer, "not understood") || eval[bool](v, `document.querySelector('#link-apply').hidden`) {
				t.Errorf("%s:%d: %s is offered as %q", d.Path, l.Line, l.To, offer)
			}
		}
	}
	if offered == 0 {
		t.Error("no document has such an address")
	}
	v.step("left", chromedp.Navigate("about:blank"))
}

package ui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// A violation is what axe-core finds at one element.
type violation struct {
	Rule     string
	Impact   string
	Selector string
	Summary  string
}

func (v violation) String() string {
	return fmt.Sprintf("%s (%s) at %s: %s", v.Rule, v.Impact, v.Selector, strings.ReplaceAll(v.Summary, "\n", " "))
}

// axe looks for violations of WCAG 2.0, 2.1 and 2.2, A and AA, and of axe-core's best
// practices. Its script comes by the debugger: the page's policy admits no other.
func axe(tab *browser.Tab) ([]violation, error) {
	script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("axe-core is not installed: run make ui-test")
	}
	if err != nil {
		return nil, err
	}
	const look = `axe.run(document, {
		resultTypes: ['violations'],
		runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
	}).then(({violations}) => violations.flatMap(({id, impact, nodes}) => nodes.map((n) => (
		{Rule: id, Impact: impact, Selector: n.target.flat().join(' '), Summary: n.failureSummary}))))`
	var found []violation
	err = tab.Run(
		chromedp.Evaluate(string(script)+"; undefined", nil),
		chromedp.Evaluate(look, &found, awaited))
	return found, err
}

// accessible asks axe about the page as it is now.
func (v *visit) accessible(name string) {
	v.t.Helper()
	found, err := axe(v.Tab)
	if err != nil {
		v.t.Fatalf("%s: %v", name, err)
	}
	if len(found) > 0 {
		v.t.Errorf("%s: %d violations, the first of them: %v", name, len(found), found[:min(3, len(found))])
	}
}

// TestAxeFinds: axe sees what is wrong on purpose, one thing of each standard that it is asked for.
func TestAxeFinds(t *testing.T) {
	v := visiting(t)
	v.step("spoilt", chromedp.Evaluate(`document.querySelector('main').insertAdjacentHTML('beforeend', `+
		"`"+`<img src="/assets/icon.svg" id="wcag2a">
		<p id="wcag2aa">pale</p>
		<input id="wcag21aa" aria-label="name" autocomplete="nonsense">
		<button id="wcag22aa-1">·</button><button id="wcag22aa-2">·</button>
		<h6 id="best-practice">after h2</h6>`+"`"+`);
		document.querySelector('#wcag2aa').style.cssText = 'color: #ccc; background: #fff';
		for (const b of document.querySelectorAll('#wcag22aa-1, #wcag22aa-2')) b.style.cssText = 'all: unset; display: inline-block; width: 8px; height: 8px; font-size: 4px; color: black; background: white';`, nil))
	found, err := axe(v.Tab)
	if err != nil {
		t.Fatal(err)
	}
	for rule, selector := range map[string]string{
		"image-alt": "#wcag2a", "color-contrast": "#wcag2aa", "autocomplete-valid": "#wcag21aa", "target-size": "#wcag22aa-1", "heading-order": "#best-practice",
	} {
		seen := false
		for _, violation := range found {
			seen = seen || violation.Rule == rule && violation.Selector == selector && violation.Summary != ""
		}
		if !seen {
			t.Errorf("no %s at %s in %v", rule, selector, found)
		}
	}
}

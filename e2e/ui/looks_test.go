package ui

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

const (
	light = `(([r, g, b]) => r + g + b > 600)(getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number))`
	dark  = `(([r, g, b]) => r + g + b < 150)(getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number))`
)

// pixel is the colour of a band's latest part, which is painted and knows no style sheet.
const pixel = `(() => {
	const c = document.querySelector('#handrolled .band canvas');
	const copy = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
	copy.drawImage(c, c.width - 3, c.height - 2, 1, 1, 0, 0, 1, 1);
	return copy.getImageData(0, 0, 1, 1).data.join();
})()`

// TestTheme: as the system says, or as the button does, which is remembered.
func TestTheme(t *testing.T) {
	v := visiting(t)
	theme := func(name string, holds ...string) chromedp.Action {
		tasks := chromedp.Tasks{browser.Shows("#theme-name", "^"+name+"$")}
		for _, h := range holds {
			tasks = append(tasks, browser.Holds(h))
		}
		return tasks
	}
	v.step("auto light", looks("light"), theme("auto", light))
	v.step("band", browser.Holds(pixel+".endsWith(',255')"))
	inLight := eval[string](v, pixel)
	v.step("auto dark", looks("dark"), theme("auto", dark), browser.Holds(pixel+" !== '"+inLight+"'"))
	v.step("light", click("#theme"), theme("light", light), browser.Holds(pixel+" === '"+inLight+"'"))
	v.step("light, remembered", chromedp.Reload(), browser.Shows("#live", "^live"), theme("light", light))
	v.step("dark", click("#theme"), looks("light"), theme("dark", dark))
	v.step("dark, remembered", chromedp.Reload(), browser.Shows("#live", "^live"), theme("dark", dark))
	v.step("auto", click("#theme"), theme("auto", light))
}

// TestReducedMotion: nothing moves for those who do not want it, and something does for others.
func TestReducedMotion(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	const moving = `[...document.querySelectorAll('*')].flatMap((e) => ['', '::before', '::after'].map((p) => getComputedStyle(e, p)))
		.filter((s) => [s.transitionDuration, s.animationName === 'none' ? '0s' : s.animationDuration].some((d) => d.split(', ').some((part) => parseFloat(part) > 0))).length`
	motion := func(value string) chromedp.Action {
		return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: value}})
	}
	v.step("as usual", motion("no-preference"), browser.Holds(moving+" > 0"))
	v.step("reduced", motion("reduce"), browser.Holds(moving+" === 0"))
	v.step("broken", click("#break"), browser.Holds(both("open")), browser.Holds(moving+" === 0"), browser.Holds(`document.getAnimations().length === 0`))
}

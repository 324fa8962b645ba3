package ui

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// TestFirstScreen: what the page is about is seen without scrolling.
func TestFirstScreen(t *testing.T) {
	v := visiting(t)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.step("running", chromedp.EmulateViewport(1280, 800), browser.Shows("#success", "^100"), browser.Shows("#amplification-what", "offered$"))
	const below = `document.querySelector('#breakers').getBoundingClientRect().top`
	was := eval[float64](v, below)
	for _, broken := range []bool{false, true} {
		if broken {
			v.step("broken", click("#break"), browser.Holds(both("open")), browser.Shows("#gobreaker .countdown", "half-open in"), browser.Shows("#amplification-what", "sheds load"))
			if is := eval[float64](v, below); is != was {
				t.Errorf("the breakers were at %v and are at %v: what one looks at moves", was, is)
			}
		}
		for _, selector := range []string{"#stages", "#success", "#amplification", "#break", "#heal", "#handrolled .state", "#gobreaker .state", "#gobreaker .why", "#live"} {
			if !eval[bool](v, fmt.Sprintf(`scrollY === 0 && (({top, left, bottom, right, width}) => width > 0 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth)(document.querySelector(%q).getBoundingClientRect())`, selector)) {
				t.Errorf("broken: %v: %s is not on the first screen", broken, selector)
			}
		}
	}
	for _, width := range []int64{2560, 1920, 1024, 768, 480, 360} {
		v.step(fmt.Sprint(width, " px"), chromedp.EmulateViewport(width, 800), chromedp.Sleep(settled))
		v.fits("broken", width)
	}
}

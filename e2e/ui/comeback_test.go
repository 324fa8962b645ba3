package ui

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// TestComeAndGo: a page that is left holds no connection, of which a browser has six for a
// host; one that comes back is live; and what changes while it comes is not missed.
func TestComeAndGo(t *testing.T) {
	v := visiting(t)
	v.Allow("", browser.NoAnswer) // whatever is under way when the page is left
	for i := range 8 {
		v.send(http.MethodPut, "api/faults", `{}`)
		v.step(fmt.Sprint("come ", i), chromedp.Navigate("about:blank"), chromedp.Navigate(v.Page), browser.Shows("#live", "^live"))
		v.send(http.MethodPut, "api/faults", fmt.Sprintf(`{"error_rate":0.%d}`, i+1))
		v.step(fmt.Sprint("told ", i), browser.Shows("#in-force", fmt.Sprintf(`503 for %d0\.0.%%`, i+1)))
	}
	v.step("left", chromedp.Navigate("about:blank"))
	v.send(http.MethodPut, "api/faults", `{"error_rate":0.9}`)
	v.send(http.MethodPatch, "api/policy", `{"timeout":{"limit":"333ms"}}`)
	v.step("back", chromedp.Evaluate(`setTimeout(() => history.back())`, nil), browser.Shows("#live", "^live"), browser.Shows("#in-force", `503 for 90\.0.%`), browser.Shows("#order", "333ms"))
}

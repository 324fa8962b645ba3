package ui

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"reliability/e2e/browser"
)

// on is true while the tour is at a step.
func on(step int) chromedp.Action {
	return browser.Holds(fmt.Sprintf(`document.querySelector('#tour-steps [aria-current=step]').dataset.step === '%d'`, step))
}

// TestTour: each step is as it promises, and at the end everything is as it was.
func TestTour(t *testing.T) {
	v := visiting(t, `CALLER_POLICY={"breaker":{"open_for":"3s"}}`)
	v.send(http.MethodPut, "api/faults", `{"latency":{"value":"3ms"}}`)
	v.send(http.MethodPatch, "api/policy", `{"retry":{"max_attempts":3},"timeout":{"limit":"300ms"}}`)
	v.send(http.MethodPut, "api/load", `{"rate":5,"arrivals":"poisson","handrolled":0.4}`)
	was := v.situation()
	v.step("known", browser.Shows("#order", "300ms"), browser.Shows("#in-force", "3ms"), value("#rate", "5"))
	v.step("begun", click("#tour-start"), on(1), browser.Holds(`document.activeElement.id === 'tour-title'`),
		browser.Shows("#tour-title", "^1 of 4: Break it$"), browser.Shows("#in-force", `503 for 30\.0.%`), value("#rate", "20"))
	v.step("retries hide it", browser.Holds(figure("#success-attempts")+" < 85"), browser.Holds(figure("#success")+" > 90"), browser.Holds(figure("#amplification")+" > 1.15"),
		browser.Shows("#tour-now", `^Now: success 9\d.*% of calls, [678].*% of attempts; sent ÷ offered 1\.\d\d×\.$|success 100.%`))
	v.accessible("tour")
	v.step("retries off", click("#tour-next"), on(2), browser.Holds(`document.querySelector('.stage-retry') === null`),
		browser.Holds(figure("#success")+" < 85"), browser.Holds(figure("#amplification")+" < 1.05"))
	v.step("naive retries", click("#tour-next"), on(3), browser.Shows("#order", "4.attempts, none jitter, no budget"), browser.Holds(figure("#amplification")+" > 3"), browser.Holds(figure("#success")+" < 5"))
	v.step("back", click("#tour-back"), on(2), browser.Holds(`document.querySelector('.stage-retry') === null`))
	v.step("on again", click("#tour-next"), on(3), browser.Holds(`document.querySelector('.stage-retry') !== null`))
	v.step("breaker on", click("#tour-next"), on(4), browser.Shows("#order", "full jitter, budget"), browser.Holds(both("open")), browser.Holds(figure("#amplification")+" < 0.8"))
	v.step("healed", click("#tour-heal"), browser.Shows("#in-force", ": healthy"), browser.Holds(both("closed")), browser.Holds(figure("#success")+" > 95"))
	v.step("finished", click("#tour-next"), browser.Holds("!"+shown("#tour")), browser.Shows("#order", "300ms"), browser.Shows("#in-force", "3ms"), value("#rate", "5"),
		browser.Holds(`document.activeElement.id === 'tour-start' && document.querySelectorAll('.marked').length === 0`))
	if is := v.situation(); is != was {
		t.Errorf("after the tour it is %s; was %s", is, was)
	}
}

// TestTourLeft: it can be left at any time, by its button or by Escape wherever the focus is.
func TestTourLeft(t *testing.T) {
	v := visiting(t)
	v.step("known", browser.Shows("#in-force", ": healthy"), browser.Shows("#order", "250ms"), browser.Holds(`location.hash === '#load=0'`))
	hash := eval[string](v, `location.hash`)
	was := v.situation()
	for name, leave := range map[string]chromedp.Action{
		"by its button": click("#tour-leave"),
		"by Escape":     chromedp.KeyEvent(kb.Escape),
		"by Escape from elsewhere": chromedp.Tasks{
			chromedp.Focus("#heal", chromedp.ByQuery), chromedp.KeyEvent(kb.Escape),
		},
	} {
		v.step("begun "+name, click("#tour-start"), on(1), browser.Shows("#in-force", "503 for 30"), click("#tour-next"), on(2), browser.Shows("#pipeline", "^timeout ▸ call"))
		v.step("left "+name, leave, browser.Holds("!"+shown("#tour")), browser.Shows("#in-force", ": healthy"), browser.Shows("#pipeline", "^retry ▸ timeout ▸ breaker ▸ call"),
			value("#rate", "0"), browser.Holds(`document.querySelector('[data-preset=healthy]').ariaPressed === 'true'`), browser.Holds(`location.hash === '`+hash+`'`))
		if is := v.situation(); is != was {
			t.Errorf("left %s it is %s; was %s", name, is, was)
		}
	}
}

// situation is the policy, the load and the faults in force, without seeds that were drawn.
func (v *visit) situation() string {
	type load struct {
		Load struct {
			Rate, Handrolled float64
			Arrivals         string
		}
	}
	type faults struct {
		Replicas []struct {
			Faults map[string]any
		}
	}
	f := decoded[faults](v, "api/faults")
	for _, r := range f.Replicas {
		delete(r.Faults, "seed")
	}
	return fmt.Sprint(decoded[struct{ Policy map[string]any }](v, "api/policy"), decoded[load](v, "api/load"), f)
}

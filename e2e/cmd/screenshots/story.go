package main

import (
	"net/http"
	"time"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// before is how long the page has run when the first picture is taken, so that its charts
// have something to show.
const before = 60 * time.Second

// state is true while both breakers are in it.
func state(name string) string {
	return `['handrolled', 'gobreaker'].every((id) => document.getElementById(id).dataset.state === '` + name + `')`
}

func click(selector string) chromedp.Action { return chromedp.Click(selector, chromedp.ByQuery) }

// story is an outage from its beginning to its end, in the order of the pictures.
func (s *studio) story() []scene {
	wide := window(1280, 970)
	return []scene{
		{"healthy", []chromedp.Action{
			wide, scheme("light"),
			s.send(http.MethodPut, "api/load", `{"rate":20,"arrivals":"poisson"}`),
			chromedp.Navigate(s.lab.Page), browser.Shows("#live", "^live"), browser.Holds(state("closed")),
			chromedp.Sleep(before), s.shoot("healthy.png"),
		}},
		{"waterfall", []chromedp.Action{
			s.send(http.MethodPatch, "api/policy", `{"breaker":{"failures":20}}`), // which would open, and there would be little to see
			s.send(http.MethodPut, "api/faults", `{"error_rate":0.35,"latency":{"distribution":"lognormal","median":"20ms","p99":"200ms"}}`),
			chromedp.Sleep(5 * time.Second),
			window(1000, 800), click(`button[data-filter=retried]`), to("#calls"),
			// One with two waits, before it moves on: the list holds still where the focus is.
			browser.Holds(`(([row]) => (row?.click(), row?.focus(), Boolean(row)))([...document.querySelectorAll('#calls li[data-outcome=success] > button')].slice(0, 6)
				.filter((head) => head.querySelector('.how').textContent.startsWith('after 3')))`),
			browser.Holds(`document.querySelectorAll('#calls .waterfall .span').length > 2`),
			away(), s.shoot("waterfall.png"),
			click(`#calls li > button[aria-expanded=true]`), click(`button[data-filter=all]`), wide, to("html"),
			s.send(http.MethodDelete, "api/faults", ""), s.send(http.MethodDelete, "api/policy", ""), browser.Holds(state("closed")), chromedp.Sleep(20 * time.Second),
		}},
		{"outage", []chromedp.Action{
			click("#break"), browser.Holds(state("open")), away(), chromedp.Sleep(8 * time.Second), browser.Holds(state("open")),
			s.shoot("outage.png"), scheme("dark"), chromedp.Sleep(time.Second), browser.Holds(state("open")),
			s.shoot("dark.png"), scheme("light"),
		}},
		{"narrow", []chromedp.Action{
			window(360, 800), to("html"), browser.Holds(`document.documentElement.scrollWidth <= 360`),
			chromedp.Sleep(time.Second), browser.Holds(state("open")), s.shoot("narrow.png"), wide, to("html"),
		}},
		{"recovery", []chromedp.Action{
			click("#heal"), browser.Holds(state("closed")), away(), chromedp.Sleep(8 * time.Second), s.shoot("recovery.png"),
		}},
		{"breaker", []chromedp.Action{
			// So few calls that one sees the breaker count.
			s.send(http.MethodPut, "api/load", `{"rate":4}`),
			s.send(http.MethodPatch, "api/policy", `{"breaker":{"open_for":"4s"}}`),
			chromedp.Sleep(5 * time.Second), to("#handrolled"), away(),
			s.film("breaker.webp", []string{"#handrolled", "#gobreaker"},
				cue{state("closed"), 1 * framesPerSecond, click("#break")},
				cue{state("open"), 2 * framesPerSecond, click("#heal")},
				cue{state("closed"), 2 * framesPerSecond, nil}),
		}},
	}
}

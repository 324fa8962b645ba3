package ui

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// What the page may weigh, and when its first paint is due where nothing else is measured
// at the same time: the 200 ms are for a machine with nothing else to do.
const (
	mostBytes  = 150_000
	firstPaint = 1000.0 // ms
)

// A transfer is a request and what came over the network for it.
type transfer struct {
	address string
	bytes   float64
	ended   bool
}

// transfers collects them from now on.
func (v *visit) transfers() func() []transfer {
	v.t.Helper()
	var mu sync.Mutex
	seen := map[network.RequestID]*transfer{}
	v.step("nothing kept", network.SetCacheDisabled(true))
	v.listen(func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			seen[e.RequestID] = &transfer{address: e.Request.URL}
		case *network.EventLoadingFinished:
			if one := seen[e.RequestID]; one != nil {
				one.bytes, one.ended = e.EncodedDataLength, true
			}
		}
	})
	return func() []transfer {
		mu.Lock()
		defer mu.Unlock()
		var all []transfer
		for _, one := range seen {
			all = append(all, *one)
		}
		return all
	}
}

// TestWeight: the files of the page are few bytes, from caller alone, and painted soon.
func TestWeight(t *testing.T) {
	v := alone(t)
	transferred := v.transfers()
	v.step("anew", chromedp.Reload(), browser.Shows("#live", "^live"), browser.Shows("#order", "250ms"), browser.Shows("#in-force", "healthy"),
		browser.Holds(`performance.getEntriesByName('first-contentful-paint').length === 1`))
	home, err := url.Parse(v.Page)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	sum := 0.0
	for _, one := range transferred() {
		u, err := url.Parse(one.address)
		if err != nil || u.Host != home.Host {
			t.Errorf("a request for %s", one.address)
			continue
		}
		if strings.HasPrefix(u.Path, "/api/") {
			continue
		}
		if !one.ended || one.bytes == 0 {
			t.Errorf("%s: %v bytes, ended: %v", one.address, one.bytes, one.ended)
		}
		files = append(files, u.Path)
		sum += one.bytes
	}
	for _, want := range []string{"/", "/assets/page.css", "/assets/page.js", "/assets/vendor/uPlot.iife.min.js"} {
		if !slices.Contains(files, want) {
			t.Errorf("%s was not asked for", want)
		}
	}
	t.Logf("%d files, %.1f KB over the network", len(files), sum/1000)
	if sum > mostBytes {
		t.Errorf("%.0f bytes over the network, allowed %d", sum, mostBytes)
	}
	for range 3 { // the first time of a browser is its own
		v.step("again", chromedp.Reload(), browser.Shows("#live", "^live"), browser.Holds(`performance.getEntriesByName('first-contentful-paint').length === 1`))
	}
	paint := eval[float64](v, `performance.getEntriesByName('first-contentful-paint')[0].startTime`)
	t.Logf("first contentful paint after %.0f ms, %.0f ms after the document had come", paint, paint-eval[float64](v, `performance.getEntriesByType('navigation')[0].responseEnd`))
	if paint > firstPaint {
		t.Errorf("first contentful paint after %.0f ms, allowed %.0f", paint, firstPaint)
	}
}

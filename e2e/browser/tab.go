// Package browser shows the page to a real Chromium, acts there as its visitor does, and
// collects what goes wrong on it.
package browser

import (
	"context"
	"errors"
	"log"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
)

// A Tab is one page in a browser of its own, with a fresh profile.
type Tab struct {
	ctx   context.Context
	close context.CancelFunc
	*wrongs
}

// Open starts a browser for the page at home, without going there yet. An empty chrome is
// chromium, or chrome, from the PATH. The browser lives until Close, or until ctx is done.
func Open(ctx context.Context, chrome, home string) (*Tab, error) {
	u, err := url.Parse(home)
	if err != nil {
		return nil, err
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.DisableGPU)
	if chrome != "" {
		options = append(options, chromedp.ExecPath(chrome))
	}
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithErrorf(complain))
	tab := &Tab{ctx: ctx, close: func() { cancel(); end() }, wrongs: &wrongs{home: u}}
	chromedp.ListenTarget(ctx, tab.hear)
	if err := chromedp.Run(ctx); err != nil {
		tab.close()
		return nil, errors.Join(errors.New("no browser; install Chromium, or say where one is by CHROME"), err)
	}
	return tab, nil
}

// Run acts on the page, one action after the other.
func (t *Tab) Run(actions ...chromedp.Action) error { return chromedp.Run(t.ctx, actions...) }

// Close ends the browser.
func (t *Tab) Close() { t.close() }

// complain is for what chromedp cannot handle, but for events that are younger than it is.
func complain(format string, args ...any) {
	if !strings.HasPrefix(format, "unhandled ") {
		log.Printf(format, args...)
	}
}

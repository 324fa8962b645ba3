package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"
)

// Patience is how long what a visitor waits for may take.
const Patience = 15 * time.Second

// interval is the time between two looks at the page.
const interval = 20 * time.Millisecond

// Shows waits until the text of the first element that the selector finds matches.
func Shows(selector, pattern string) chromedp.Action { return shows(selector, pattern, Patience) }

func shows(selector, pattern string, patience time.Duration) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		wanted, err := regexp.Compile(pattern)
		if err != nil {
			return err
		}
		var text *string
		seen, err := until(ctx, patience, func() (bool, error) {
			err := chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%s)?.textContent`, quote(selector)), &text).Do(ctx)
			return text != nil && wanted.MatchString(*text), err
		})
		switch {
		case err != nil || seen:
			return err
		case text == nil:
			return fmt.Errorf("there is no %s after %v", selector, patience)
		}
		return fmt.Errorf("%s is %q after %v, does not match %s", selector, *text, patience, pattern)
	})
}

// Holds waits until a JavaScript expression is true.
func Holds(expression string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var value any
		held, err := until(ctx, Patience, func() (bool, error) {
			err := chromedp.Evaluate(expression, &value).Do(ctx)
			return value == true, err
		})
		if err == nil && !held {
			err = fmt.Errorf("%s is %v after %v", expression, value, Patience)
		}
		return err
	})
}

// Until clicks a button again and again until Shows would be content.
func Until(selector, pattern, button string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for deadline := time.Now().Add(Patience); ; {
			if err := chromedp.Click(button, chromedp.ByQuery).Do(ctx); err != nil {
				return err
			}
			err := shows(selector, pattern, 600*time.Millisecond).Do(ctx)
			if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
				return err
			}
		}
	})
}

// until looks until seen is content (true), patience is over (false, with what went wrong
// latest, if anything did) or ctx is done.
func until(ctx context.Context, patience time.Duration, seen func() (bool, error)) (bool, error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; {
		ok, err := seen()
		if ok || err != nil && !betweenPages(err) || time.Now().After(deadline) {
			return ok, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-ticker.C:
		}
	}
}

// betweenPages reports whether one page has gone and the next one has not come yet, as when
// the browser goes back to a page that it has kept.
func betweenPages(err error) bool {
	e, ok := errors.AsType[*cdproto.Error](err)
	return ok && e.Code == -32000 // the protocol has no other name for it, and says so of other states of the page, too
}

// quote is a JavaScript string.
func quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil { // there is no string that is none
		panic(err)
	}
	return string(quoted)
}

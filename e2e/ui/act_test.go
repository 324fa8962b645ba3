package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"reliability/e2e/browser"
)

func click(selector string) chromedp.Action { return chromedp.Click(selector, chromedp.ByQuery) }

// preset is the button of one of what can be broken with one click.
func preset(name string) string { return "[data-preset=" + name + "]" }

// field is the input for a member of a document.
func field(form, path string) string { return fmt.Sprintf("%s [name=%q]", form, path) }

// fill replaces what a field holds, by keys, and leaves the focus there.
func fill(selector, text string) chromedp.Action {
	return chromedp.Tasks{
		chromedp.Focus(selector, chromedp.ByQuery),
		chromedp.Evaluate(`document.activeElement.select()`, nil),
		chromedp.KeyEvent(kb.Delete), chromedp.KeyEvent(text),
	}
}

// submit sends the form in which the focus is.
func submit() chromedp.Action { return chromedp.KeyEvent(kb.Enter) }

// both is true while both breakers are in a state.
func both(state string) string {
	return `['handrolled', 'gobreaker'].every((id) => document.getElementById(id).dataset.state === '` + state + `')`
}

// figure is the number that an element shows.
func figure(selector string) string {
	return fmt.Sprintf(`parseFloat(document.querySelector(%q).textContent.replace('<', ''))`, selector)
}

// shown is true while there is such an element and it is to be seen.
func shown(selector string) string {
	return fmt.Sprintf(`Boolean(document.querySelector(%q)?.checkVisibility())`, selector)
}

// value waits until a field holds something.
func value(selector, want string) chromedp.Action {
	return browser.Holds(fmt.Sprintf(`document.querySelector(%q).value === %q`, selector, want))
}

// unfold opens every details, or those within a selector.
func unfold(within string) chromedp.Action {
	return chromedp.Evaluate(fmt.Sprintf(`for (const d of document.querySelectorAll(%q)) d.open = true`, within+" details"), nil)
}

// looks makes the system light or dark.
func looks(scheme string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}})
}

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// eval is what a JavaScript expression comes to; a promise is waited for.
func eval[T any](v *visit, expression string) T {
	v.t.Helper()
	var result T
	if err := v.Run(chromedp.Evaluate(expression, &result, awaited)); err != nil {
		v.t.Fatalf("%s: %v", expression, err)
	}
	return result
}

// listen hears what the browser tells of the page from now on.
func (v *visit) listen(hear func(event any)) {
	v.t.Helper()
	if err := v.Run(chromedp.ActionFunc(func(ctx context.Context) error {
		chromedp.ListenTarget(ctx, hear)
		return nil
	})); err != nil {
		v.t.Fatal(err)
	}
}

// send makes a request to caller, as somebody else would.
func (v *visit) send(method, path, body string) string {
	v.t.Helper()
	answer, err := v.Send(v.t.Context(), method, path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer
}

// inForce is a document of caller's API, without spaces.
func (v *visit) inForce(path string) string {
	v.t.Helper()
	return strings.Join(strings.Fields(v.send(http.MethodGet, path, "")), "")
}

// has looks that a document of caller's API holds something now.
func (v *visit) has(path string, wanted ...string) {
	v.t.Helper()
	document := v.inForce(path)
	for _, want := range wanted {
		if !strings.Contains(document, want) {
			v.t.Errorf("%s has no %s: %s", path, want, document)
		}
	}
}

// until waits until a document of caller's API holds something.
func (v *visit) until(path, wanted string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		document := ""
		for deadline := time.Now().Add(browser.Patience); time.Now().Before(deadline); {
			answer, err := v.Send(ctx, http.MethodGet, path, "")
			if err != nil {
				return err
			}
			if document = strings.Join(strings.Fields(answer), ""); strings.Contains(document, wanted) {
				return nil
			}
			if err := chromedp.Sleep(20 * time.Millisecond).Do(ctx); err != nil {
				return err
			}
		}
		return fmt.Errorf("%s has no %s after %v: %s", path, wanted, browser.Patience, document)
	})
}

// ask makes a request to any listener of the lab and returns the status, 0 if nobody answers.
func ask(ctx context.Context, method, url, body string) (int, string) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer)
}

// decoded is a document of caller's API.
func decoded[T any](v *visit, path string) T {
	v.t.Helper()
	var document T
	if err := json.Unmarshal([]byte(v.send(http.MethodGet, path, "")), &document); err != nil {
		v.t.Fatal(err)
	}
	return document
}

// settled is how long a page that is given another size or theme takes to look like it.
const settled = 400 * time.Millisecond

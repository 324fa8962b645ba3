package browser

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"
)

// site serves a page with a script, under the policy that the live page has.
func site(t *testing.T, script string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src 'self'; connect-src *")
		_, _ = w.Write([]byte(`<!doctype html><title>t</title><link rel="icon" href="/icon"><p id="count">0</p><button>more</button><script src="/script.js"></script>`))
	})
	mux.HandleFunc("GET /script.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(script))
	})
	mux.HandleFunc("GET /icon", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	mux.HandleFunc("GET /cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func open(t *testing.T, home string) *Tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	tab, err := Open(ctx, os.Getenv("CHROME"), home)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

// TestWrongs: of each wrong it takes one to be found, and a page that does none has none.
func TestWrongs(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		allow  []failure
		want   string // empty: nothing
	}{
		"nothing":                {script: `fetch('/icon'); console.log('fine'); new Image().src = '/icon'`},
		"exception":              {script: `throw new Error('oh')`, want: "exception: .*oh"},
		"rejected promise":       {script: `Promise.reject(new Error('oh'))`, want: "exception: .*oh"},
		"console error":          {script: `console.error('oh', new Error('dear'))`, want: "console: .*oh.*dear"},
		"console warning":        {script: `console.warn('oh')`, want: "console: .*oh"},
		"policy":                 {script: `document.body.append(Object.assign(document.createElement('script'), {text: '1'}))`, want: "log: .*Content Security Policy"},
		"eval":                   {script: `eval('1')`, want: "exception: .*EvalError"},
		"status":                 {script: `fetch('/bad?a=1')`, want: "log: .* 400 .*/bad"},
		"status, allowed":        {script: `fetch('/bad?a=1')`, allow: []failure{{"bad?a", http.StatusBadRequest}}},
		"another status allowed": {script: `fetch('/bad')`, allow: []failure{{"bad", http.StatusConflict}, {"bad", NoAnswer}}, want: "log: .* 400 "},
		"another path allowed":   {script: `fetch('/bad')`, allow: []failure{{"bad/", http.StatusBadRequest}}, want: "log: .* 400 "},
		"no answer":              {script: `fetch('/cut').catch(() => {})`, want: "log: .*net::ERR_EMPTY_RESPONSE"},
		"no answer, allowed":     {script: `fetch('/cut').catch(() => {})`, allow: []failure{{"cut", NoAnswer}}},
		"another host":           {script: `fetch('http://127.0.0.1:9/').catch(() => {})`, allow: []failure{{"", NoAnswer}}, want: "a request to another host: http://127.0.0.1:9/"},
		"socket to another host": {script: `new WebSocket('ws://127.0.0.1:9/')`, want: "a request to another host: ws://127.0.0.1:9/"},
	} {
		t.Run(name, func(t *testing.T) {
			server := site(t, c.script)
			tab := open(t, server.URL+"/")
			for _, f := range c.allow {
				tab.Allow(f.prefix, f.status)
			}
			if err := tab.Run(chromedp.Navigate(server.URL)); err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if err := tab.Run(chromedp.Sleep(300 * time.Millisecond)); err != nil { // what goes wrong is reported after it happened
					t.Fatal(err)
				}
				if got := tab.Wrong(); len(got) > 0 {
					t.Errorf("found %q", got)
				}
				return
			}
			wanted := regexp.MustCompile("(?m)^" + c.want)
			found, err := until(t.Context(), 5*time.Second, func() (bool, error) { return wanted.MatchString(strings.Join(tab.Wrong(), "\n")), nil })
			if err != nil || !found {
				t.Errorf("found %q, %v; want %s", tab.Wrong(), err, c.want)
			}
		})
	}
}

// TestSee: what is waited for is seen when it comes, and what does not come is named.
func TestSee(t *testing.T) {
	server := site(t, `document.querySelector('button').onclick = () => setTimeout(() => document.querySelector('#count').textContent++, 50)`)
	tab := open(t, server.URL+"/")
	if err := tab.Run(chromedp.Navigate(server.URL), Shows("#count", "^0$"),
		Until("#count", "^3$", "button"), Shows("#count", "^3$"), Holds(`document.querySelector('#count').textContent === '3'`)); err != nil {
		t.Fatal(err)
	}
	if err := tab.Run(shows("#count", "^4$", 100*time.Millisecond)); err == nil || err.Error() != `#count is "3" after 100ms, does not match ^4$` {
		t.Errorf("a text that is another: %v", err)
	}
	if err := tab.Run(shows("#none", "", 100*time.Millisecond)); err == nil || err.Error() != "there is no #none after 100ms" {
		t.Errorf("an element that is not there: %v", err)
	}
}

func TestNoBrowser(t *testing.T) {
	_, err := Open(t.Context(), "/no/such/browser", "http://127.0.0.1/")
	if err == nil || !strings.Contains(err.Error(), "CHROME") {
		t.Errorf("without a browser: %v", err)
	}
}

// TestBetweenPages: that there is no page is no error yet, and is one when patience is over.
func TestBetweenPages(t *testing.T) {
	between, other := &cdproto.Error{Code: -32000, Message: "Not attached to an active page"}, &cdproto.Error{Code: -32601}
	looks := 0
	look := func(results ...error) func() (bool, error) {
		looks = 0
		return func() (bool, error) {
			looks++
			err := results[min(looks, len(results))-1]
			return err == nil, err
		}
	}
	for name, c := range map[string]struct {
		patience time.Duration
		results  []error
		seen     bool
		looks    int
		err      error
	}{
		"it comes":           {time.Minute, []error{between, between, nil}, true, 3, nil},
		"it does not":        {-1, []error{between}, false, 1, between},
		"something is wrong": {time.Minute, []error{between, other}, false, 2, other},
	} {
		if seen, err := until(t.Context(), c.patience, look(c.results...)); seen != c.seen || looks != c.looks || !errors.Is(err, c.err) {
			t.Errorf("%s: %v after %d looks, %v", name, seen, looks, err)
		}
	}
}

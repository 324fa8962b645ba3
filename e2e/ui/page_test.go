// Package ui tests the page as its visitor sees it: in a real browser, against a real lab.
// `make ui-test` runs it. CHROME is the browser to use; chromium, or chrome, from the PATH
// if it is unset. SCREENSHOTS is a directory for pictures of each step; none if unset.
package ui

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// lab builds and starts the lab on free ports and returns the page's address and what
// ends the lab.
func lab(t *testing.T, environ ...string) (page string, end func()) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "lab")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/lab")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, "--addr", "127.0.0.1:0", "--flaky-addr", "127.0.0.1:0",
		"--caller-admin-addr", "127.0.0.1:0", "--flaky-admin-addr", "127.0.0.1:0", "--load", "0")
	cmd.Env = append(os.Environ(), environ...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	t.Cleanup(end)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if m := regexp.MustCompile(`^\s+page\s+(http://\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			return m[1], end
		}
	}
	t.Fatal("the lab ended without naming its page")
	return "", nil
}

// browser returns a context in which chromedp acts, and what went wrong on the page so far.
func browser(t *testing.T, page string) (ctx context.Context, wrong func() []string) {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.DisableGPU)
	if chrome := os.Getenv("CHROME"); chrome != "" {
		options = append(options, chromedp.ExecPath(chrome))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	home, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu    sync.Mutex
		found []string
	)
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		found = append(found, fmt.Sprintf(format, args...))
	}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			note("exception: %s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				note("console: %s", e.Args[0].Value)
			}
		case *log.EventEntryAdded:
			// A call that fails is what this page is about: its 502 and 503 are no errors of the page.
			if !strings.HasPrefix(e.Entry.URL, page+"call") {
				note("log: %s %s", e.Entry.Text, e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err != nil || u.Host != home.Host {
				note("a request to another host: %s", e.Request.URL)
			}
		}
	})
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(found)
	}
}

// screenshot keeps a picture of the whole page, if somebody wants to look.
func screenshot(name string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		dir := os.Getenv("SCREENSHOTS")
		if dir == "" {
			return nil
		}
		var png []byte
		if err := chromedp.FullScreenshot(&png, 100).Do(ctx); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	})
}

// shows waits until an element's text matches.
func shows(selector, pattern string) chromedp.Action {
	js := fmt.Sprintf(`new RegExp(%q).test(document.querySelector(%q)?.textContent ?? '')`, pattern, selector)
	return chromedp.Poll(js, nil, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(15*time.Second))
}

// until clicks an element until another one's text matches.
func until(selector, pattern, button string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		deadline := time.Now().Add(15 * time.Second)
		for {
			if err := chromedp.Click(button, chromedp.ByQuery).Do(ctx); err != nil {
				return err
			}
			js := fmt.Sprintf(`new RegExp(%q).test(document.querySelector(%q)?.textContent ?? '')`, pattern, selector)
			err := chromedp.Poll(js, nil, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(600*time.Millisecond)).Do(ctx)
			if err == nil || time.Now().After(deadline) {
				return err
			}
		}
	})
}

func TestPage(t *testing.T) {
	page, end := lab(t, `CALLER_POLICY={"breaker":{"open_for":"3s"}}`)
	ctx, wrong := browser(t, page)
	step := func(name string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, append(actions, screenshot(name))...); err != nil {
			var text string
			_ = chromedp.Run(ctx, chromedp.Text("body", &text))
			t.Fatalf("%s: %v; the page shows:\n%s", name, err, text)
		}
	}
	step("healthy", chromedp.Navigate(page),
		shows("#handrolled .state", "^CLOSED$"), shows("#gobreaker .state", "^CLOSED$"), shows("#live", "^live"),
		shows("#handrolled .why", "^0 of 5 failures in a row$"), shows("#faults", "^flaky: 1 replica, 0 failing$"))
	step("broken", chromedp.Click("#break", chromedp.ByQuery), shows("#faults", "1 failing"))
	step("open", until("#handrolled .state", "^OPEN$", "#call"), shows("#gobreaker .state", "^OPEN$"),
		shows("#handrolled .why", `^turns calls away, probes in [0-3](\.\d)?s$`),
		shows("#handrolled .last", "^closed → open at .*: 5 of 5 failures in a row, last: flaky answered 503 Service Unavailable$"))
	step("rejected", until("#list", "rejected after", "#call"))
	step("healed", chromedp.Click("#heal", chromedp.ByQuery), shows("#faults", "0 failing"))
	step("half-open", shows("#handrolled .state", "^HALF-OPEN$"), shows("#handrolled .why", "^0 of 2 probes succeeded, 0 out$"))
	step("closed again", until("#gobreaker .state", "^CLOSED$", "#call"), shows("#handrolled .state", "^CLOSED$"),
		shows("#gobreaker .last", "half-open → closed .*: 2 of 2 probes succeeded"))
	step("narrow", chromedp.EmulateViewport(360, 740), chromedp.Poll(`document.documentElement.scrollWidth <= 360`, nil, chromedp.WithPollingTimeout(time.Second)))
	step("dark", chromedp.EmulateViewport(1280, 800), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	if found := wrong(); len(found) > 0 {
		t.Errorf("on the page:\n%s", strings.Join(found, "\n"))
	}
	end()
	step("stale", shows("#live", "^caller does not answer; trying again$"))
}

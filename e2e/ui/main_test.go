package ui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
	"reliability/e2e/lab"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the lab once for all tests.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "reliability-ui-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		var binary string
		if binary, err = lab.Build(context.Background(), dir); err == nil {
			err = os.Setenv("LAB", binary)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// A visit is a lab and a visitor of its page.
type visit struct {
	*lab.Lab
	*browser.Tab
	t *testing.T
}

// visiting is alone beside other tests.
func visiting(t *testing.T, environ ...string) *visit {
	t.Helper()
	t.Parallel()
	return alone(t, environ...)
}

// alone starts a lab without load, with these variables, and a browser, and goes to the page. At the
// end of the test nothing may have gone wrong on the page but what the test has allowed.
func alone(t *testing.T, environ ...string) *visit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	l, err := lab.Start(ctx, os.Getenv("LAB"), nil, environ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.End(); err != nil {
			t.Error(err)
		}
	})
	tab, err := browser.Open(ctx, os.Getenv("CHROME"), l.Page)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tab.Close()
		if found := tab.Wrong(); len(found) > 0 {
			t.Errorf("on the page:\n%s", strings.Join(found, "\n"))
		}
	})
	v := &visit{Lab: l, Tab: tab, t: t}
	v.step("opened", chromedp.Navigate(l.Page), browser.Shows("#live", "^live"))
	return v
}

// step acts, and keeps a picture of how the page looks then, if somebody wants to see it.
func (v *visit) step(name string, actions ...chromedp.Action) {
	v.t.Helper()
	err := v.Run(chromedp.ActionFunc(func(ctx context.Context) error { // whose own waits would last as long as the test
		ctx, cancel := context.WithTimeout(ctx, 2*browser.Patience)
		defer cancel()
		return chromedp.Tasks(actions).Do(ctx)
	}))
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		var png []byte
		file := filepath.Join(dir, strings.NewReplacer("/", "-", " ", "-").Replace(v.t.Name()+" "+name)+".png")
		if err := v.Run(chromedp.FullScreenshot(&png, 100)); err != nil {
			v.t.Errorf("%s: no picture: %v", name, err)
		} else if err := os.WriteFile(file, png, 0o600); err != nil {
			v.t.Error(err)
		}
	}
	if err != nil {
		var text string
		_ = v.Run(chromedp.Text("body", &text, chromedp.ByQuery))
		v.t.Logf("the page shows:\n%s", strings.Join(strings.Fields(text), " "))
		v.t.Fatalf("%s: %v", name, err)
	}
}

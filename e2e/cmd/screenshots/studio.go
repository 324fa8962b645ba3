package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
	"reliability/e2e/lab"
)

// How many bytes a picture may have, and a film.
const (
	largestPicture = 400_000
	largestFilm    = 1_500_000
)

// A studio is where pictures are taken: a lab, its page, and what was taken so far, by the
// name of its file.
type studio struct {
	lab        *lab.Lab
	tab        *browser.Tab
	temp       string
	mostFrames int
	pictures   map[string][]byte
}

// A scene is steps, some of which take a picture.
type scene struct {
	name  string
	steps []chromedp.Action
}

// send makes a request to caller, as somebody else would.
func (s *studio) send(method, path, body string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := s.lab.Send(ctx, method, path, body)
		return err
	})
}

// scheme makes the system light or dark, and still, so that no picture shows half of a transition.
func scheme(name string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	})
}

// window is as many CSS pixels, one of which is one in the picture.
func window(width, height int64) chromedp.Action {
	return chromedp.EmulateViewport(width, height, chromedp.EmulateScale(1))
}

// to scrolls until an element is at the top; the page's own top is "html".
func to(selector string) chromedp.Action {
	return browser.Holds(fmt.Sprintf(`(document.querySelector(%q)?.scrollIntoView({block: 'start', behavior: 'instant'}), true)`, selector))
}

// away takes the mouse off whatever it is on.
func away() chromedp.Action { return chromedp.MouseEvent("mouseMoved", 0, 0) }

// shoot takes what the window shows.
func (s *studio) shoot(name string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		var shot []byte
		if err := chromedp.CaptureScreenshot(&shot).Do(ctx); err != nil {
			return err
		}
		small, err := pack(shot)
		if err != nil {
			return err
		}
		if len(small) > largestPicture {
			return fmt.Errorf("%s has %d bytes: at most %d are allowed", name, len(small), largestPicture)
		}
		s.pictures[name] = small
		return nil
	})
}

// pack compresses a PNG as far as it goes without loss.
func pack(shot []byte) ([]byte, error) {
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	var small bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, opaque{picture})
	if small.Len() > len(shot) {
		return shot, err
	}
	return small.Bytes(), err
}

// An opaque picture has no alpha, which PNG then need not store.
type opaque struct{ image.Image }

// Opaque implements what image/png asks for.
func (opaque) Opaque() bool { return true }

// write writes what was taken.
func (s *studio) write(dir string, progress io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pictures for everybody to see
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.pictures)) {
		if err := os.WriteFile(filepath.Join(dir, name), s.pictures[name], 0o644); err != nil { //nolint:gosec // likewise
			return err
		}
		_, _ = fmt.Fprintf(progress, "%s  %d KB\n", filepath.Join(dir, name), len(s.pictures[name])/1000)
	}
	return nil
}

// clip is the smallest rectangle with all these elements in it, and a margin. It is relative to the document.
func clip(ctx context.Context, selectors ...string) (*page.Viewport, error) {
	var box page.Viewport
	js := fmt.Sprintf(`(() => {
		const boxes = %s.map((s) => document.querySelector(s).getBoundingClientRect());
		const [left, top] = [Math.min(...boxes.map((b) => b.left)), Math.min(...boxes.map((b) => b.top))];
		const [right, bottom] = [Math.max(...boxes.map((b) => b.right)), Math.max(...boxes.map((b) => b.bottom))];
		const margin = 8;
		return {x: Math.floor(left + scrollX - margin), y: Math.floor(top + scrollY - margin), scale: 1,
			width: Math.ceil(right - left + 2 * margin), height: Math.ceil(bottom - top + 2 * margin)};
	})()`, list(selectors))
	err := chromedp.Evaluate(js, &box).Do(ctx)
	return &box, err
}

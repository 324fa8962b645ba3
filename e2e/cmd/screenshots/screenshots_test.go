package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"reliability/e2e/browser"
)

// TestFrames: every frame is of the elements alone, cues come in their order and at their
// moment, and a film that does not end is an error.
func TestFrames(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>t</title><link rel="icon" href="data:,"><style>body { margin: 0; background: white } p { position: absolute; margin: 0; width: 100px; height: 50px; background: red }</style>
			<p id="a" style="left: 20px; top: 1000px"></p><p id="b" style="left: 220px; top: 1030px"></p>`))
	}))
	defer site.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tab, err := browser.Open(ctx, os.Getenv("CHROME"), site.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	s := &studio{tab: tab, temp: t.TempDir(), mostFrames: 6}
	paint := chromedp.Evaluate(`document.body.style.background = 'blue'; window.painted = true`, nil)
	var frames []string
	if err := tab.Run(window(800, 600), chromedp.Navigate(site.URL), to("#a"), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		frames, err = s.frames(ctx, []string{"#a", "#b"}, []cue{{`true`, 3, paint}, {`window.painted`, 2, nil}})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	if len(frames) != 5 {
		t.Errorf("%d frames", len(frames))
	}
	for i, name := range frames {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		frame, err := png.Decode(file)
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := frame.Bounds(), image.Rect(0, 0, 316, 96); got != want {
			t.Errorf("frame %d is %v, not %v", i, got, want)
		}
		margin := color.RGBA{R: 255, G: 255, B: 255, A: 255}
		if i >= 3 {
			margin = color.RGBA{B: 255, A: 255}
		}
		for at, want := range map[image.Point]color.RGBA{{X: 7, Y: 7}: margin, {X: 8, Y: 8}: {R: 255, A: 255}, {X: 307, Y: 87}: {R: 255, A: 255}, {X: 308, Y: 88}: margin} {
			if got := color.RGBAModel.Convert(frame.At(at.X, at.Y)); got != want {
				t.Errorf("frame %d is %v at %v, not %v", i, got, at, want)
			}
		}
	}
	err = tab.Run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := s.frames(ctx, []string{"#a"}, []cue{{`false`, 1, nil}})
		return err
	}))
	if err == nil || !strings.Contains(err.Error(), "still not") {
		t.Errorf("a film without an end: %v", err)
	}
}

// TestPack: a smaller file, the same picture.
func TestPack(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 60, 40))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(r.IntN(2) * 200)
		if i%4 == 3 {
			noise.Pix[i] = 255
		}
	}
	var large bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&large, noise); err != nil {
		t.Fatal(err)
	}
	small, err := pack(large.Bytes())
	if err != nil || len(small) >= large.Len()/2 {
		t.Fatalf("%d bytes of %d, %v", len(small), large.Len(), err)
	}
	same, err := png.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	for y := range 40 {
		for x := range 60 {
			if got, want := color.NRGBAModel.Convert(same.At(x, y)), noise.At(x, y); got != want {
				t.Fatalf("%v at %d, %d, not %v", got, x, y, want)
			}
		}
	}
}

func TestWithoutEncoder(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var said strings.Builder
	if code := run([]string{t.TempDir()}, &said); code != 2 || !strings.Contains(said.String(), "Debian's package is webp") {
		t.Errorf("exit %d: %s", code, &said)
	}
}

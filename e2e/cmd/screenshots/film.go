package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const (
	framesPerSecond = 4
	longestFilm     = 20 * framesPerSecond
)

// A cue is an action at its moment: when so many frames, one at least, have been taken since a
// JavaScript expression became true.
type cue struct {
	when   string
	frames int
	do     chromedp.Action // nil: the film ends
}

// film takes these elements at a steady rate until the last cue, and makes a loop of it.
func (s *studio) film(name string, elements []string, cues ...cue) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		frames, err := s.frames(ctx, elements, cues)
		if err != nil {
			return err
		}
		s.pictures[name], err = s.encode(ctx, frames)
		return err
	})
}

// frames are files, in their order.
func (s *studio) frames(ctx context.Context, elements []string, cues []cue) ([]string, error) {
	box, err := clip(ctx, elements...)
	if err != nil {
		return nil, err
	}
	var frames []string
	ticker := time.NewTicker(time.Second / framesPerSecond)
	defer ticker.Stop()
	for since := 0; len(cues) > 0; { // since the next cue's moment: how many frames
		if len(frames) == s.mostFrames {
			return nil, fmt.Errorf("%d frames, and still not %d after this: %s", s.mostFrames, cues[0].frames, cues[0].when)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
		shot, err := page.CaptureScreenshot().WithClip(box).Do(ctx)
		if err != nil {
			return nil, err
		}
		frame := filepath.Join(s.temp, fmt.Sprintf("%03d.png", len(frames)))
		if err := os.WriteFile(frame, shot, 0o600); err != nil {
			return nil, err
		}
		frames = append(frames, frame)
		come := since > 0
		if !come {
			if err := chromedp.Evaluate(cues[0].when, &come).Do(ctx); err != nil {
				return nil, err
			}
		}
		if come {
			since++
		}
		if since < cues[0].frames {
			continue
		}
		if cues[0].do != nil {
			if err := cues[0].do.Do(ctx); err != nil {
				return nil, err
			}
		}
		cues, since = cues[1:], 0
	}
	return frames, nil
}

// encoder looks whether films can be made here.
func encoder() error {
	if _, err := exec.LookPath("img2webp"); err != nil {
		return errors.New("there is no img2webp, which makes the film: install it; Debian's package is webp")
	}
	return nil
}

// encode makes a loop of frames, of the best quality with which it is small enough.
func (s *studio) encode(ctx context.Context, frames []string) ([]byte, error) {
	film := filepath.Join(s.temp, "film.webp")
	size := 0
	for _, quality := range []int{80, 60, 40, 20} {
		args := []string{"-loop", "0", "-min_size", "-lossy", "-q", strconv.Itoa(quality), "-m", "4", "-d", strconv.Itoa(1000 / framesPerSecond)}
		args = append(append(args, frames...), "-o", film)
		if out, err := exec.CommandContext(ctx, "img2webp", args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("img2webp: %w\n%s", err, out)
		}
		loop, err := os.ReadFile(film) //nolint:gosec // our own file
		if err != nil {
			return nil, err
		}
		if size = len(loop); size <= largestFilm {
			return loop, nil
		}
	}
	return nil, fmt.Errorf("the film has %d bytes even at the lowest quality: at most %d are allowed", size, largestFilm)
}

// list is a JavaScript array.
func list(words []string) string {
	array, err := json.Marshal(words)
	if err != nil { // there is no string that is none
		panic(err)
	}
	return string(array)
}

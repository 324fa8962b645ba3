// Command screenshots takes the pictures of the page that the documents show. It starts a
// lab, drives a browser through an outage and its end, and writes PNGs and a film:
//
//	go run ./cmd/screenshots [-chrome PATH] [DIRECTORY]
//
// The directory is docs/page of the repository if it is not given. It takes three minutes,
// because the page shows two. It exits with 1 if something went wrong on the page meanwhile,
// and with 2 if the pictures could not be taken; then nothing is written.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"reliability/e2e/browser"
	"reliability/e2e/lab"
)

var errWrong = errors.New("on the page")

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("screenshots", flag.ContinueOnError)
	flags.SetOutput(stderr)
	chrome := flags.String("chrome", os.Getenv("CHROME"), "the browser; chromium, or chrome, from the PATH if it is empty")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	err := take(ctx, *chrome, flags.Arg(0), stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errWrong):
		_, _ = fmt.Fprintf(stderr, "screenshots: %v\n", err)
		return 1
	}
	_, _ = fmt.Fprintf(stderr, "screenshots: %v\n", err)
	return 2
}

// take takes all pictures before it writes the first.
func take(ctx context.Context, chrome, dir string, progress io.Writer) (err error) {
	if err := encoder(); err != nil {
		return err // better now than after three minutes
	}
	if dir == "" {
		root, err := lab.Root(ctx)
		if err != nil {
			return err
		}
		dir = filepath.Join(root, "docs", "page")
	}
	temp, err := os.MkdirTemp("", "reliability-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	binary, err := lab.Build(ctx, temp)
	if err != nil {
		return err
	}
	l, err := lab.Start(ctx, binary, nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.End()) }()
	tab, err := browser.Open(ctx, chrome, l.Page)
	if err != nil {
		return err
	}
	defer tab.Close()

	s := &studio{lab: l, tab: tab, temp: temp, mostFrames: longestFilm, pictures: map[string][]byte{}}
	for _, scene := range s.story() {
		_, _ = fmt.Fprintln(progress, scene.name)
		if err := tab.Run(scene.steps...); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	if wrong := tab.Wrong(); len(wrong) > 0 {
		return fmt.Errorf("%w:\n%s", errWrong, strings.Join(wrong, "\n"))
	}
	return s.write(dir, progress)
}

package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Write writes everything into a folder: index.html, results.json, a card for each
// experiment and a file for each figure. It makes the folder; a file is there whole or not
// at all.
func Write(dir string, results []Result) error {
	if err := check(results); err != nil {
		return err
	}
	if err := Figures(dir, results); err != nil {
		return err
	}
	for _, r := range results {
		if err := Save(dir, cardFile(r), func(w io.Writer) error { return Card(w, r) }); err != nil {
			return err
		}
	}
	if err := Save(dir, "results.json", func(w io.Writer) error { return JSON(w, results) }); err != nil {
		return err
	}
	// The page is last: once it is there, so is what it links to.
	return Save(dir, "index.html", func(w io.Writer) error { return page(w, results) })
}

// Figures writes a file for each figure into a folder, for a page that Markdown writes.
func Figures(dir string, results []Result) error {
	if err := check(results); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // it is made to be shown, like what is in it
		return err
	}
	for _, r := range results {
		for _, f := range r.Figures {
			if err := Save(dir, figureFile(r, f), f.SVG); err != nil {
				return err
			}
		}
	}
	return nil
}

// Save writes a file beside its place, and moves it there when it is whole.
func Save(dir, name string, write func(io.Writer) error) (err error) {
	path := filepath.Join(dir, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if all went well
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

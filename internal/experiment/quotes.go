package experiment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"reliability/internal/experiment/report"
)

// experimentsPage is written by Docs, and quoted by the others.
const experimentsPage = "experiments.md"

// Quote fills the quotations of a directory's pages, and of those beside it, from the
// directory's experiments.md. See [report.Quote] for what they look like. If any of them is
// wrong, none is written.
func Quote(dir string) error {
	stale, err := Stale(dir)
	if err != nil {
		return err
	}
	for page, text := range stale {
		err := report.Save(filepath.Dir(page), filepath.Base(page), func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// Stale returns the pages whose quotations are not what experiments.md has, as they should be.
func Stale(dir string) (map[string]string, error) {
	measured, err := os.ReadFile(filepath.Join(dir, experimentsPage)) //nolint:gosec // the directory is the caller's to choose
	if err != nil {
		return nil, err
	}
	pages, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(dir)), "*.md"))
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	stale := map[string]string{}
	errs := []error{err}
	for _, page := range pages {
		text, err := os.ReadFile(page) //nolint:gosec // likewise
		errs = append(errs, err)
		link, err := filepath.Rel(filepath.Dir(page), filepath.Join(dir, experimentsPage))
		errs = append(errs, err)
		quoted, err := report.Quote(string(text), string(measured), filepath.ToSlash(link))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", page, err))
		} else if quoted != string(text) {
			stale[page] = quoted
		}
	}
	return stale, errors.Join(errs...)
}

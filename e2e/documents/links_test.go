package documents

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinks: each link within the repository leads to a file or folder that is there and, in a document, to a heading
// that is; each other one is a whole https address, or the reader's own machine.
func TestLinks(t *testing.T) {
	all := map[string]Document{}
	for _, d := range read(t) {
		all[d.Path] = d
	}
	checked := 0
	for _, d := range all {
		for _, l := range d.Links {
			checked++
			to, err := url.Parse(l.To)
			switch {
			case err != nil:
				t.Errorf("%s:%d: %v", d.Path, l.Line, err)
				continue
			case to.Scheme == "http" && to.Hostname() == "127.0.0.1":
				continue
			case to.IsAbs():
				if to.Scheme != "https" || to.Host == "" {
					t.Errorf("%s:%d: %s is no https address", d.Path, l.Line, l.To)
				}
				continue
			}
			target := d.Path
			if to.Path != "" {
				target = path.Join(path.Dir(d.Path), to.Path)
				if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil || strings.HasPrefix(target, "..") {
					t.Errorf("%s:%d: %s leads nowhere", d.Path, l.Line, l.To)
					continue
				}
			}
			if other, is := all[target]; to.Fragment != "" && (!is || !other.Anchors[to.Fragment]) {
				t.Errorf("%s:%d: %s: there is no such heading", d.Path, l.Line, l.To)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d links were found", checked)
	}
}

// TestEveryPageIsReachable: a reader who begins at README finds every document by links.
func TestEveryPageIsReachable(t *testing.T) {
	all := map[string]Document{}
	for _, d := range read(t) {
		all[d.Path] = d
	}
	found := map[string]bool{"README.md": true}
	for next := []string{"README.md"}; len(next) > 0; next = next[1:] {
		for _, l := range all[next[0]].Links {
			to, _, _ := strings.Cut(l.To, "#")
			to = path.Join(path.Dir(next[0]), to)
			if _, is := all[to]; is && !found[to] {
				found[to] = true
				next = append(next, to)
			}
		}
	}
	for name := range all {
		if !found[name] {
			t.Errorf("no link leads to %s", name)
		}
	}
}

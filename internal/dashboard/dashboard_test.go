package dashboard

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFilesAreServedWhole(t *testing.T) {
	h := Handler()
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8", "/assets/page.js": "text/javascript; charset=utf-8", "/assets/page.css": "text/css; charset=utf-8",
		"/assets/icon.svg": "image/svg+xml", "/assets/vendor/uPlot.LICENSE": "text/plain; charset=utf-8",
	} {
		plain, small := get(t, h, path, nil), get(t, h, path, http.Header{"Accept-Encoding": {"br, gzip"}})
		if plain.StatusCode != http.StatusOK || plain.Header.Get("Content-Type") != want || plain.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, plain.StatusCode, plain.Header)
		}
		if csp := plain.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		z, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if text := body(t, plain.Body); text != body(t, z) || text == "" {
			t.Errorf("%s: gzipped it is another text", path)
		}
		for _, tag := range []string{plain.Header.Get("Etag"), `"another", W/` + plain.Header.Get("Etag")} {
			if again := get(t, h, path, http.Header{"If-None-Match": {tag}}); again.StatusCode != http.StatusNotModified || body(t, again.Body) != "" {
				t.Errorf("%s again, with %s: %d", path, tag, again.StatusCode)
			}
		}
		if plain.Header.Get("Etag") == small.Header.Get("Etag") {
			t.Errorf("%s: two texts have one tag", path)
		}
	}
	for accepted, want := range map[string]string{"gzip;q=0": "", "gzip; q=0.0": "", "gzip;q=x": "", "br": "", "gzip;q=0.5": "gzip", "br, GZIP ; q=1": "gzip"} {
		if r := get(t, h, "/", http.Header{"Accept-Encoding": {accepted}}); r.Header.Get("Content-Encoding") != want {
			t.Errorf("%s: %q", accepted, r.Header.Get("Content-Encoding"))
		}
	}
	for _, path := range []string{"/assets/", "/assets", "/assets/vendor/", "/index.html", "/dashboard.go", "/assets/../index.html", "/assets/none.js"} {
		if r := get(t, h, path, nil); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// TestWeight is what a visitor's first look costs.
func TestWeight(t *testing.T) {
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	sent, whole := 0, 0
	for name, f := range all {
		if path.Ext(name) != ".LICENSE" && path.Base(name) != "README" && path.Base(name) != "SHA256SUMS" {
			sent, whole = sent+len(f.small), whole+len(f.text)
		}
	}
	t.Logf("%d bytes, gzipped %d", whole, sent)
	if sent > 150_000 {
		t.Errorf("the page weighs %d bytes; at most 150000", sent)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNamesFit: nothing checks scripts before they run, so that what they refer to is there
// is checked here.
func TestNamesFit(t *testing.T) {
	page, terms := read(t, "index.html"), read(t, "assets/terms.js")
	scripts, err := fs.Glob(files, "assets/*.js")
	if err != nil || len(scripts) < 20 {
		t.Fatalf("%v %v", scripts, err)
	}
	// The breakers' panels are named after their engines.
	for _, m := range regexp.MustCompile(`data-explain="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !regexp.MustCompile(`(?m)^  '?` + regexp.QuoteMeta(m[1]) + `'?: '`).MatchString(terms) {
			t.Errorf("no term explains %q", m[1])
		}
	}
	for _, name := range scripts {
		text := read(t, name)
		for _, m := range regexp.MustCompile(`byId\('([^']+)'\)`).FindAllStringSubmatch(text, -1) {
			if strings.Count(page, `id="`+m[1]+`"`) != 1 {
				t.Errorf("%s: the page does not have #%s once", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^import \{ ([^}]+) \} from '\./([^']+)';`).FindAllStringSubmatch(text, -1) {
			from := read(t, "assets/"+m[2])
			for imported := range strings.SplitSeq(m[1], ", ") {
				if !regexp.MustCompile(`(?m)^export (async )?(const|function|class) ` + imported + `\b`).MatchString(from) {
					t.Errorf("%s: %s does not export %s", name, m[2], imported)
				}
				if len(regexp.MustCompile(`\b`+imported+`\b`).FindAllString(text, -1)) < 2 {
					t.Errorf("%s imports %s and does not use it", name, imported)
				}
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		read(t, strings.TrimPrefix(m[1], "/"))
	}
	if regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style| style=| on[a-z]+=`).MatchString(page) {
		t.Error("something is inline, which the page's own policy forbids")
	}
}

// Package dashboard is the live page: files, embedded as they are. There is no build step,
// and nothing is fetched from another host.
package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"reliability/internal/problem"
)

//go:embed index.html assets
var files embed.FS

// policy lets the page load its own files and nothing else. Nothing is inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const index = "index.html"

// A file is one of the page's, as it is sent.
type file struct {
	contentType string
	tag         string // of the text, for ETag
	text, small []byte // small is the same, gzipped
}

// Handler serves the page at / and its files at /assets/. They are compressed when somebody
// asks for the first time.
func Handler() http.Handler {
	served := sync.OnceValues(load)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := served()
		f, ok := all[r.URL.Path]
		switch {
		case err != nil:
			problem.New(http.StatusInternalServerError, err.Error()).Write(w)
		case !ok:
			problem.New(http.StatusNotFound, "there is nothing at "+r.URL.Path).Write(w)
		default:
			f.write(w, r)
		}
	})
}

// load returns all files by the paths at which they are served.
func load() (map[string]file, error) {
	all := map[string]file{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		small, err := compressed(text)
		sum := sha256.Sum256(text)
		all["/"+strings.TrimSuffix(name, index)] = file{
			contentType: contentType(name), tag: base64.RawURLEncoding.EncodeToString(sum[:12]),
			text: text, small: small,
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the page's files: %w", err)
	}
	return all, nil
}

func compressed(text []byte) ([]byte, error) {
	var small bytes.Buffer
	z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	err = z.Close()
	return small.Bytes(), err
}

// contentType does not ask the system, whose tables differ, where the page depends on it.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case "":
		return "text/plain; charset=utf-8"
	}
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return "text/plain; charset=utf-8"
}

func (f file) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // files change with the binary, and have no version in their names
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", f.contentType)
	text, tag := f.text, f.tag
	if acceptsGzip(r) {
		text, tag = f.small, tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}

func acceptsGzip(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(header, ",") {
			name, weight, weighted := strings.Cut(coding, ";")
			if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
				continue
			}
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return !weighted || err == nil && q > 0
		}
	}
	return false
}

// Package dashboard is the live page: files, embedded as they are. There is no build step,
// and nothing is fetched from another host.
package dashboard

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"

	"reliability/internal/problem"
)

//go:embed index.html assets
var files embed.FS

// policy lets the page load its own files and nothing else. Nothing is inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at / and its files at /assets/.
func Handler() http.Handler {
	server := http.FileServerFS(fs.FS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" && strings.HasSuffix(r.URL.Path, "/") { // a list of files is no page
			problem.New(http.StatusNotFound, "there is nothing at "+r.URL.Path).Write(w)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache") // files change with the binary, and have no version in their names
		server.ServeHTTP(w, r)
	})
}

package reliability_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSnippets: the Go of every document is Go that compiles against the library as it is. A snippet is the body of a
// function that has a ctx, a t and a client; other names may be undefined that it just uses (fetch, errNotFound), but none
// of which it calls something.
func TestSnippets(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	packages := compiled(t, fset)
	found := 0
	for _, name := range markdown(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range regexp.MustCompile("(?ms)^[ \t]*```go\n(.*?)^[ \t]*```").FindAllSubmatchIndex(text, -1) {
			found++
			where := fmt.Sprintf("%s:%d", name, 2+strings.Count(string(text[:at[0]]), "\n"))
			for _, problem := range check(fset, packages, where, string(text[at[2]:at[3]])) {
				t.Errorf("%s: %v", where, problem)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d snippets were found", found)
	}
}

// TestSnippetsCanFail: a field that is not there, a type that does not fit, an argument too few.
func TestSnippetsCanFail(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	packages := compiled(t, fset)
	for snippet, want := range map[string]string{
		"p := resilience.Retry(resilience.RetryConfig{Attempts: 4})\nuse(p)":         "unknown field Attempts",
		"p := resilience.Timeout(resilience.TimeoutConfig{Limit: \"1s\"})\nuse(p)":   "cannot use",
		"h, err := resilience.Chain(resilience.Retry())\nuse(h, err)":                "not enough arguments",
		"h, err := resilience.NewBreakr(resilience.BreakerConfig{})\nuse(h, err)":    "undefined: resilience.NewBreakr",
		"p := resiliense.Retry(1)\nuse(p)":                                           "undefined: resiliense",
		"l := rate.NewLimitr(1)\nuse(l)":                                             "undefined: rate.NewLimitr",
		"for {":                                                                      "expected",
		"b, err := resilience.NewBreaker(resilience.BreakerConfig{})\nreturn b, err": "",
	} {
		problems := fmt.Sprint(check(fset, packages, "here", snippet))
		if want == "" && problems != "[]" || !strings.Contains(problems, want) {
			t.Errorf("%s\nis said to be %s, want %q", snippet, problems, want)
		}
	}
}

// snippetImports are what a snippet may call without importing it.
func snippetImports() []string {
	return []string{
		"context", "database/sql", "errors", "fmt", "io", "log/slog", "net/http", "os", "strings", "sync", "sync/atomic", "testing", "time", "golang.org/x/time/rate",
		"reliability/pkg/resilience",
		"reliability/pkg/resilience/breakertest", "reliability/pkg/resilience/resiliencehttp", "reliability/pkg/resilience/resilienceotel",
		"reliability/pkg/resilience/sonybreaker",
	}
}

// compiled has them, and all that they need, as the compiler has left them in its cache.
func compiled(t *testing.T, fset *token.FileSet) types.Importer {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, snippetImports()...)...)
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(files[path]) })
}

// check returns what the compiler has against a snippet.
func check(fset *token.FileSet, packages types.Importer, where, snippet string) (problems []error) {
	imports := ""
	for _, path := range snippetImports() {
		if slices.Contains([]string{"context", "net/http", "testing"}, path) || regexp.MustCompile(`\b`+filepath.Base(path)+`\.`).MatchString(snippet) {
			imports += fmt.Sprintf("import %q; ", path)
		}
	}
	where = filepath.Base(where) // a line directive is relative
	body := "package snippet; " + imports + "func snippet(ctx context.Context, t *testing.T, client *http.Client) {{\n//line " + where + "\n" + snippet + "\n}}"
	if regexp.MustCompile(`(?m)^(func|type) `).MatchString(snippet) {
		body = "package snippet; " + imports + "\n//line " + where + "\n" + snippet
	}
	file, err := parser.ParseFile(fset, where, body, parser.SkipObjectResolution)
	if err != nil {
		return []error{err}
	}
	config := types.Config{Importer: packages, Error: func(err error) {
		if !leftToTheReader(err.Error()) || calledUpon(err, snippet) {
			problems = append(problems, err)
		}
	}}
	_, _ = config.Check("snippet", fset, []*ast.File{file}, nil) // what is wrong has been told
	return problems
}

// calledUpon reports whether an undefined name is one of which a snippet uses something, as in X.Y(): a package that is
// misspelt, or a value of which nobody knows whether it has that.
func calledUpon(err error, snippet string) bool {
	m := regexp.MustCompile(`undefined: (\w+)$`).FindStringSubmatch(err.Error())
	return m != nil && regexp.MustCompile(`\b`+m[1]+`\.`).MatchString(snippet)
}

// leftToTheReader is what a snippet need not have: the names around it, a use for its results, and those of the function
// that it is pasted into.
func leftToTheReader(problem string) bool {
	return regexp.MustCompile(`undefined: \w+$|declared and not used|^\S+ too many return values`).MatchString(problem)
}

// markdown are the documents in the root and below docs/.
func markdown(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

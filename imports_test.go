// Package reliability_test holds the rules of the whole tree.
package reliability_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A rule forbids packages to reach others, directly or not.
type rule struct {
	from      string   // a package, or with /... all below it too
	except    []string // of these
	forbidden []string // likewise
	why       string
}

var rules = []rule{
	{from: "reliability/pkg/...", forbidden: []string{"reliability/internal/...", "reliability/services/...", "reliability/cmd/..."},
		why: "imports go one way: cmd → services, internal → pkg"},
	{from: "reliability/internal/...", forbidden: []string{"reliability/cmd/..."},
		why: "imports go one way: cmd → services, internal → pkg"},
	{from: "reliability/services/...", forbidden: []string{"reliability/cmd/...", "reliability/internal/experiment/..."},
		why: "imports go one way: cmd → services, internal → pkg"},
	{from: "reliability/services/caller/...", forbidden: []string{"reliability/services/flaky/..."},
		why: "services meet over HTTP"},
	{from: "reliability/services/flaky/...", forbidden: []string{"reliability/services/caller/...", "reliability/pkg/..."},
		why: "services meet over HTTP, and the dependency protects nothing"},
	{from: "reliability/cmd/flaky", forbidden: []string{"reliability/pkg/...", "reliability/internal/experiment/...", "gonum.org/v1/..."},
		why: "a service carries neither experiments nor plots"},
	{from: "reliability/cmd/caller", forbidden: []string{"reliability/internal/experiment/...", "gonum.org/v1/..."},
		why: "a service carries neither experiments nor plots"},
	{from: "reliability/internal/...", except: []string{"reliability/internal/experiment/..."}, forbidden: []string{"github.com/gin-gonic/gin/...", "reliability/services/..."},
		why: "Gin is the services' own affair"},
	{from: "reliability/pkg/...", forbidden: []string{"github.com/gin-gonic/gin/..."},
		why: "Gin is the services' own affair"},
	// Teams take these home by copying the folder.
	{from: "reliability/pkg/resilience", forbidden: []string{"outside the standard library"},
		why: "a copy must build in an empty module"},
	{from: "reliability/pkg/resilience/resiliencehttp", forbidden: []string{"outside the standard library and reliability/pkg/resilience"},
		why: "a copy must build in an empty module"},
	{from: "reliability/pkg/resilience/breakertest", forbidden: []string{"outside the standard library and reliability/pkg/resilience"},
		why: "a copy must build in an empty module"},
	{from: "reliability/examples/...", forbidden: []string{"outside the standard library and reliability/pkg/resilience/..."},
		why: "an example is lifted into another module with the library alone"},
}

// A listed package is what `go list -json` says of one.
type listed struct {
	ImportPath string
	Standard   bool
	Deps       []string // all, also indirect
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Deps", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	found := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
}

func matches(pattern, pkg string) bool {
	prefix, below := strings.CutSuffix(pattern, "/...")
	return pkg == prefix || below && strings.HasPrefix(pkg, prefix+"/")
}

func anyMatches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

func TestImports(t *testing.T) {
	packages := list(t)
	for _, r := range rules {
		applied := false
		for path, p := range packages {
			if !matches(r.from, path) || anyMatches(r.except, path) {
				continue
			}
			applied = true
			for _, dep := range p.Deps {
				if !r.allows(packages[dep]) {
					t.Errorf("%s imports %s, maybe through another package: %s", path, dep, r.why)
				}
			}
		}
		if !applied {
			t.Errorf("no package is %s: this rule guards nothing", r.from)
		}
	}
}

func (r rule) allows(dep listed) bool {
	switch r.forbidden[0] {
	case "outside the standard library":
		return dep.Standard
	case "outside the standard library and reliability/pkg/resilience":
		return dep.Standard || dep.ImportPath == "reliability/pkg/resilience"
	case "outside the standard library and reliability/pkg/resilience/...":
		return dep.Standard || matches("reliability/pkg/resilience/...", dep.ImportPath)
	}
	return !anyMatches(r.forbidden, dep.ImportPath)
}

// goFiles parses every Go file of the main module that is no test.
func goFiles(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains([]string{"bench", "e2e", "tools", "node_modules"}, path) || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err == nil {
			visit(filepath.ToSlash(path), file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheProcessBelongsToCmdAndServe: only they, and the examples, which are commands too,
// read the environment, exit, or listen to signals; everything else is told, and can be run
// twice in one process.
func TestTheProcessBelongsToCmdAndServe(t *testing.T) {
	forbidden := map[string][]string{
		"os":        {"Getenv", "LookupEnv", "Environ", "Exit"},
		"os/signal": {"Notify", "NotifyContext", "Ignore", "Reset"},
		"log":       {"Fatal", "Fatalf", "Fatalln"},
	}
	seen := 0
	goFiles(t, func(path string, file *ast.File) {
		names := map[string]string{} // by the name the file calls it
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			name := imported[strings.LastIndex(imported, "/")+1:]
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = imported
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || !slices.Contains(forbidden[names[pkg.Name]], sel.Sel.Name) {
				return true
			}
			seen++
			if !strings.HasPrefix(path, "cmd/") && !strings.HasPrefix(path, "internal/serve/") && !strings.HasPrefix(path, "examples/") {
				t.Errorf("%s uses %s.%s: only cmd/, examples/ and internal/serve may", path, pkg.Name, sel.Sel.Name)
			}
			return true
		})
	})
	if seen == 0 {
		t.Error("not even cmd/ uses any of them: this test looks for the wrong thing")
	}
}

// TestNoMutablePackageState: what a package-level variable holds is written once, at its
// declaration: an error, a table of names, a type assertion, embedded files, test rules.
func TestNoMutablePackageState(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if name.Name == "_" || embedded(group) || len(v.Values) > i && constant(v.Values[i]) {
						continue
					}
					t.Errorf("%s: package-level variable %s may change: keep it in a struct", path, name.Name)
				}
			}
		}
	})
}

func embedded(group *ast.GenDecl) bool {
	return group.Doc != nil && slices.ContainsFunc(group.Doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// constant reports whether an expression makes what nobody changes by convention: an
// error, or an array of literals.
func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		called := fmt.Sprint(e.Fun)
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok {
			called = fmt.Sprint(sel.X, ".", sel.Sel.Name)
		}
		return called == "errors.New" || called == "fmt.Errorf"
	case *ast.CompositeLit:
		array, ok := e.Type.(*ast.ArrayType)
		return ok && array.Len != nil
	}
	return false
}

func TestNoPackageNamedAfterNothing(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "misc"}, file.Name.Name) {
			t.Errorf("%s: package %s says nothing about what is in it", path, file.Name.Name)
		}
	})
}

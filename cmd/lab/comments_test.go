package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// A typeComment is what the source says of a struct and its fields.
type typeComment struct {
	about  string
	above  map[string]string // comments above fields
	beside map[string]string // and in their lines
}

// comments are those of a package's structs and, where such a struct says that it is one
// of the library's, [resilience.RetryConfig], those of the library.
type comments struct {
	own, library map[string]typeComment
}

func readComments(t *testing.T, own, library string) *comments {
	t.Helper()
	return &comments{own: structComments(t, own), library: structComments(t, library)}
}

func structComments(t *testing.T, dir string) map[string]typeComment {
	t.Helper()
	all := map[string]typeComment{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range group.Specs {
				typ, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				fields, ok := typ.Type.(*ast.StructType)
				if !ok {
					continue
				}
				c := typeComment{about: group.Doc.Text(), above: map[string]string{}, beside: map[string]string{}}
				for _, f := range fields.Fields.List {
					for _, n := range f.Names {
						c.above[n.Name], c.beside[n.Name] = f.Doc.Text(), f.Comment.Text()
					}
				}
				all[typ.Name.Name] = c
			}
		}
	}
	return all
}

// meaning is what is said of a field: above it, of its like in the library, or beside it.
// Of what 0 means only where it can be said; what nil means, in no document.
func (c *comments) meaning(holder reflect.Type, field string, zero bool) string {
	own := c.own[holder.Name()]
	text := own.above[field]
	if text == "" {
		for _, m := range regexp.MustCompile(`\[resilience\.(\w+)\]`).FindAllStringSubmatch(own.about, -1) {
			if like := c.library[m[1]].above[field]; like != "" {
				text = like
				break
			}
		}
	}
	if text == "" {
		text = own.beside[field]
	}
	var kept []string
	for _, sentence := range regexp.MustCompile(`(?s)[^.]*(?:\.\S[^.]*)*\.(?:\s|$)|[^.]+$`).FindAllString(flat(text), -1) {
		sentence = strings.TrimSpace(sentence)
		ofZero := strings.HasPrefix(sentence, "0: ") && !zero
		if sentence != "" && !ofZero && !regexp.MustCompile(`^(Zero value|Nil|Required)\b`).MatchString(sentence) {
			kept = append(kept, sentence)
		}
	}
	return c.inTheWordsOfTheDocument(holder, strings.Join(kept, " "))
}

// about is the first paragraph of a type's comment, without the sentence that says which
// of the library's it is.
func (c *comments) about(t reflect.Type) string {
	text, _, _ := strings.Cut(c.own[t.Name()].about, "\n\n")
	text = regexp.MustCompile(`(?s)^An? \w+ is a \[resilience\..*?\]\.`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`\s[^.]*:\s*$`).ReplaceAllString(text, "") // a list follows
	return c.inTheWordsOfTheDocument(t, flat(text))
}

// inTheWordsOfTheDocument writes the names of Go's fields as the document has them.
func (c *comments) inTheWordsOfTheDocument(holder reflect.Type, text string) string {
	text = regexp.MustCompile(`\[\*?([\w.]+)\]`).ReplaceAllString(text, "$1")
	return regexp.MustCompile(`\b[A-Z]\w*\b`).ReplaceAllStringFunc(text, func(word string) string {
		f, ok := holder.FieldByName(word)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !ok || name == "" {
			return word
		}
		return code(name)
	})
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

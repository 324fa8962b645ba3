package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"reliability/internal/problem"
	"reliability/services/caller"
	"reliability/services/flaky"
)

// A documentField is one field of a JSON document.
type documentField struct {
	path   []string // names; "[]" is an element of an array
	typ    reflect.Type
	holder reflect.Type // the struct that has it
	goName string
}

func (f documentField) String() string {
	return strings.ReplaceAll(strings.Join(f.path, "."), ".[]", "[]")
}

// isObject reports whether the field is an object, with fields of its own.
func (f documentField) isObject() bool { return bare(f.typ).Kind() == reflect.Struct }

// isOptional reports whether it is a part of its own that may be absent.
func (f documentField) isOptional() bool {
	return f.typ.Kind() == reflect.Pointer || f.typ.Kind() == reflect.Slice && bare(f.typ.Elem()).Kind() == reflect.Struct
}

func bare(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// documentFields are the fields of a document, as encoding/json sees them. What an
// embedded struct has is there once.
func documentFields(t reflect.Type, under []string, embedded map[reflect.Type]bool) []documentField {
	var all []documentField
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			if !embedded[f.Type] {
				embedded[f.Type] = true
				all = append(all, documentFields(f.Type, under, embedded)...)
			}
			continue
		case !f.IsExported() || name == "":
			continue
		}
		field := documentField{path: append(slices.Clone(under), name), typ: f.Type, holder: t, goName: f.Name}
		all = append(all, field)
		inner, path := bare(f.Type), field.path
		if inner.Kind() == reflect.Slice {
			inner, path = inner.Elem(), append(slices.Clone(path), "[]")
		}
		if inner.Kind() == reflect.Struct {
			all = append(all, documentFields(inner, path, embedded)...)
		}
	}
	return all
}

// with sets a value in a document, and makes what it is in.
func with(document map[string]any, path []string, value any) map[string]any {
	if document == nil {
		document = map[string]any{}
	}
	name, rest := path[0], path[1:]
	switch {
	case len(rest) == 0:
		document[name] = value
	case len(rest) == 1 && rest[0] == "[]":
		document[name] = []any{value}
	case rest[0] == "[]":
		elements, _ := document[name].([]any)
		var element map[string]any
		if len(elements) > 0 {
			element, _ = elements[0].(map[string]any)
		}
		document[name] = []any{with(element, rest[1:], value)}
	default:
		inner, _ := document[name].(map[string]any)
		document[name] = with(inner, rest, value)
	}
	return document
}

// at is the value in a document, nil if there is none.
func at(document any, path []string) any {
	for _, name := range path {
		switch d := document.(type) {
		case map[string]any:
			document = d[name]
		case []any:
			document = d[0]
		default:
			return nil
		}
	}
	return document
}

// A documentKind is how documents of a type are read.
type documentKind struct {
	parse  func(text []byte) (any, error)
	fields []documentField
}

func (k documentKind) problems(t *testing.T, document any) problem.Fields {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.parse(text)
	bad, _ := errors.AsType[problem.Fields](err)
	return bad
}

// allowed is what the document's reader answers to null, which is never allowed.
func (k documentKind) allowed(t *testing.T, f documentField) string {
	t.Helper()
	path := strings.ReplaceAll(f.String(), "[]", "[0]")
	for _, p := range k.problems(t, with(nil, f.path, nil)) {
		if p.Field == path {
			return p.Allowed
		}
	}
	t.Errorf("%s: null is allowed", f)
	return ""
}

// complete is a document in which every part is there, with no more in it than must be,
// and the fields that must be. The reader has filled in the rest.
func (k documentKind) complete(t *testing.T) (filled any, required map[string]bool) {
	t.Helper()
	document := map[string]any{}
	for _, f := range k.fields {
		switch {
		case f.isOptional() && f.typ.Kind() == reflect.Slice:
			document = with(document, append(slices.Clone(f.path), "[]"), map[string]any{})
		case f.isOptional() && f.isObject():
			document = with(document, f.path, map[string]any{})
		}
	}
	required = map[string]bool{}
	for range len(k.fields) {
		missing := k.problems(t, document)
		if len(missing) == 0 {
			break
		}
		for _, p := range missing {
			i := slices.IndexFunc(k.fields, func(f documentField) bool { return f.String() == strings.ReplaceAll(p.Field, "[0]", "[]") })
			if i < 0 || p.Allowed != "given" {
				t.Fatalf("%v", p)
			}
			f := k.fields[i]
			required[f.String()] = true
			document = with(document, f.path, valueOf(f))
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := k.parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(parsed); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &filled); err != nil {
		t.Fatal(err)
	}
	return filled, required
}

// valueOf is one that a field of its type takes.
func valueOf(f documentField) any {
	switch {
	case f.isObject():
		return map[string]any{}
	case isText(f.typ):
		return "1s"
	}
	return 1
}

// isText reports whether a value that is no string is written as one, as durations are.
func isText(t reflect.Type) bool {
	return bare(t).Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// defaultOf is what a field is that the document leaves out, "" if that is nothing.
func (k documentKind) defaultOf(t *testing.T, f documentField, filled any, required map[string]bool) string {
	t.Helper()
	switch {
	case required[f.String()] && f.typ.Kind() != reflect.Pointer: // a pointer's is required of its kind alone
		return "required"
	case f.isObject() || f.isOptional():
		return ""
	}
	value := at(filled, f.path)
	if value == nil { // left out, because it is the zero value
		value = reflect.Zero(f.typ).Interface()
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range k.problems(t, with(nil, f.path, value)) {
		if p.Field == strings.ReplaceAll(f.String(), "[]", "[0]") && p.Allowed == k.allowed(t, f) {
			return "" // it cannot be said, only left out
		}
	}
	return code(string(text))
}

func (k documentKind) table(t *testing.T, c *comments) string {
	t.Helper()
	filled, required := k.complete(t)
	var rows [][]string
	for _, f := range k.fields {
		allowed := k.allowed(t, f)
		meaning := c.meaning(f.holder, f.goName, zeroAllowed(allowed))
		if about := c.about(bare(f.typ)); f.isObject() && about != "" {
			if meaning != "" {
				meaning = strings.TrimSuffix(meaning, ".") + ". "
			}
			meaning += about
		}
		if meaning == "" {
			t.Errorf("%s.%s has no comment", f.holder, f.goName)
		}
		rows = append(rows, []string{code(f.String()), k.defaultOf(t, f, filled, required), allowed, meaning})
	}
	return table([]string{"field", "default", "allowed", "what it is"}, rows)
}

// zeroAllowed reports whether 0 is among what a field allows.
func zeroAllowed(allowed string) bool {
	return regexp.MustCompile(`from 0s? |^0,`).MatchString(allowed)
}

func kindOf[T any](parse func([]byte) (T, error)) documentKind {
	return documentKind{
		parse:  func(text []byte) (any, error) { return parse(text) },
		fields: documentFields(reflect.TypeFor[T](), nil, map[reflect.Type]bool{}),
	}
}

func policyTable(t *testing.T) string {
	return kindOf(caller.ParsePolicy).table(t, readComments(t, "../../services/caller", "../../pkg/resilience"))
}

func loadTable(t *testing.T) string {
	return kindOf(caller.ParseLoad).table(t, readComments(t, "../../services/caller", "../../pkg/resilience"))
}

func faultsTable(t *testing.T) string {
	return kindOf(flaky.ParseDocument).table(t, readComments(t, "../../services/flaky", "../../pkg/resilience"))
}

// Package document reads JSON documents that people write by hand, and says all that is
// wrong with them at once: the path of each field, its value, and what is allowed there.
//
// A document is described by an [Object], whose fields say both how they are read and what
// they allow, so that the two cannot drift apart:
//
//	err := document.Parse(text, document.Object{
//		"rate": document.Float(&rate, 0, 1),
//		"wait": document.Interval(&wait, 0, time.Minute),
//	}, nil)
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"reliability/internal/problem"
)

const (
	maxShown = 200 // bytes of a value in an error
	maxDepth = 20  // of objects and arrays in one another
	maxFound = 500 // problems of one document: looking for more would take long, and help nobody
)

// An Object is what a JSON object may have, by the fields' names.
type Object map[string]Field

// A Field is one value of a document.
type Field struct {
	// Allowed says what the value may be, to follow "must be".
	Allowed string
	// Read takes the value and reports whether it is allowed. What is wrong deeper inside
	// it adds to the value's own problems and reports true.
	Read func(Value) bool
}

// A Value is a part of a document and knows where it is.
type Value struct {
	JSON json.RawMessage
	Path string // "" for the whole
	bad  *problem.Fields
}

// Parse reads a whole document. The error is a [problem.Fields] with every problem in it, up
// to 500. Fields that the document does not have are left as they are; after an error what
// was read is not to be used. For check see [Nested].
func Parse(text []byte, o Object, check func(Value)) error {
	var bad problem.Fields
	v := Value{JSON: bytes.TrimSpace(text), bad: &bad}
	if !v.wellFormed() || !Nested(o, check).Read(v) {
		bad = append(bad, problem.Field{Field: "document", Value: shown(text), Allowed: "one JSON object"})
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// Check returns the problems that a JSON object of any fields can have: that it is none,
// and names that are there twice, of which a reader would silently take the last.
func Check(text []byte) error { return Parse(text, nil, nil) }

// Object reads the value as an object and reports whether it is one. Names that o does not
// have are problems; a nil Object takes any.
func (v Value) Object(o Object) bool {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(v.JSON, &values); err != nil || values == nil {
		return false
	}
	if o == nil {
		return true
	}
	unknown := "absent: the fields here are " + strings.Join(slices.Sorted(maps.Keys(o)), ", ")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		inner := Value{JSON: bytes.TrimSpace(values[name]), Path: v.at(name), bad: v.bad}
		field, known := o[name]
		if !known {
			field.Allowed = unknown
		} else if string(inner.JSON) != "null" && field.Read(inner) {
			continue
		}
		inner.Wrong("", field.Allowed)
	}
	return true
}

// Array reads the value as an array and reports whether it is one of at most most elements.
func (v Value) Array(most int, read func(Value)) bool {
	var values []json.RawMessage
	if err := json.Unmarshal(v.JSON, &values); err != nil || values == nil || len(values) > most {
		return false
	}
	for i, value := range values {
		read(Value{JSON: bytes.TrimSpace(value), Path: fmt.Sprintf("%s[%d]", v.Path, i), bad: v.bad})
	}
	return true
}

// Wrong adds a problem: with the field of that name, or with the value itself for "".
func (v Value) Wrong(field, allowed string) {
	f := problem.Field{Field: v.Path, Allowed: allowed}
	if field == "" {
		f.Value = shown(v.JSON)
	} else {
		f.Field = v.at(field)
		var values map[string]json.RawMessage
		if json.Unmarshal(v.JSON, &values) == nil && values[field] != nil {
			f.Value = shown(values[field])
		}
	}
	v.add(f)
}

func (v Value) add(f problem.Field) {
	if len(*v.bad) < maxFound && !v.bad.Has(f.Field) { // one for each field is enough
		*v.bad = append(*v.bad, f)
	}
}

// Has reports whether an object has a field of that name, whatever its value.
func (v Value) Has(field string) bool {
	var values map[string]json.RawMessage
	_ = json.Unmarshal(v.JSON, &values) // what is no object has none
	_, has := values[field]
	return has
}

func (v Value) at(name string) string {
	if len(name) > maxShown {
		name = strings.ToValidUTF8(name[:maxShown], "") + "…"
	}
	if v.Path == "" {
		return name
	}
	return v.Path + "." + name
}

// shown is a value as an error shows it.
func shown(text []byte) any {
	if len(text) > maxShown {
		return fmt.Sprintf("%s… (%d bytes)", text[:maxShown], len(text))
	}
	var value any
	if json.Unmarshal(text, &value) != nil {
		return string(text)
	}
	switch value.(type) {
	case map[string]any, []any, nil:
		return string(text)
	}
	return value
}

// wellFormed reports whether the text is one JSON value, and adds each name that one of
// its objects has twice.
func (v Value) wellFormed() bool {
	d := json.NewDecoder(bytes.NewReader(v.JSON))
	if v.walk(d, maxDepth) != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF) // nothing follows
}

func (v Value) walk(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if depth == 0 {
		return fmt.Errorf("more than %d deep", maxDepth)
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return err
			}
			inner := Value{Path: v.at(name.(string)), bad: v.bad} // a name is a string
			if seen[name.(string)] {
				inner.twice()
			}
			seen[name.(string)] = true
			if err := inner.walk(d, depth-1); err != nil {
				return err
			}
		}
		_, err = d.Token()
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			if err := (Value{Path: v.Path + "[" + strconv.Itoa(i) + "]", bad: v.bad}).walk(d, depth-1); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

func (v Value) twice() {
	v.add(problem.Field{Field: v.Path, Allowed: "there once: it was given twice"})
}

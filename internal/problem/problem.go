// Package problem writes errors as RFC 9457 problem documents.
package problem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// A Document is one problem. Embed it to add members of your own.
type Document struct {
	Type   string  `json:"type"`   // always "about:blank": the status says what kind it is
	Title  string  `json:"title"`  // the status in words
	Status int     `json:"status"` // the HTTP status, again
	Detail string  `json:"detail,omitempty"`
	Errors []Field `json:"errors,omitempty"` // every field that is wrong
}

// A Field is a value that cannot be accepted.
type Field struct {
	Field   string `json:"field"`           // path of the field in the document
	Value   any    `json:"value,omitempty"` // what it was
	Allowed string `json:"allowed"`         // what it may be
}

func (f Field) String() string {
	if f.Value == nil {
		return fmt.Sprintf("%s: must be %s", f.Field, f.Allowed)
	}
	return fmt.Sprintf("%s is %v: must be %s", f.Field, f.Value, f.Allowed)
}

// Fields is every problem of one document, as one error.
type Fields []Field

func (f Fields) Error() string {
	lines := make([]string, len(f))
	for i, field := range f {
		lines[i] = field.String()
	}
	return strings.Join(lines, "\n")
}

// Has reports whether a field is among those that are wrong.
func (f Fields) Has(field string) bool {
	return slices.ContainsFunc(f, func(x Field) bool { return x.Field == field })
}

// New returns the document for an HTTP status.
func New(status int, detail string, fields ...Field) Document {
	title := http.StatusText(status)
	switch {
	case title != "":
	case status == 499:
		title = "Client Closed Request"
	default:
		title = fmt.Sprintf("Status %d", status) // it has no name
	}
	return Document{Type: "about:blank", Title: title, Status: status, Detail: detail, Errors: fields}
}

// Write answers with the document.
func (d Document) Write(w http.ResponseWriter) { WriteJSON(w, d.Status, ContentType, d) }

// WriteJSON answers with any value as one indented JSON document. Answers are read by
// people with curl as much as by programs.
func WriteJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := encode(v)
	if err != nil {
		// A value of ours that JSON cannot express is a bug, and must not look like an answer.
		http.Error(w, fmt.Sprintf("answer cannot be written as JSON: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; nobody is left to tell
}

// Encode returns the body that WriteJSON would write. It panics for a value that JSON
// cannot express.
func Encode(v any) []byte {
	body, err := encode(v)
	if err != nil {
		panic(fmt.Sprintf("problem: %v", err))
	}
	return body
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // no browser takes JSON for HTML, and people read it
	err := e.Encode(v)
	return b.Bytes(), err
}

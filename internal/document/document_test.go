package document_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// order is what the documents of these tests say.
type order struct {
	rate  float64
	count int
	on    bool
	name  string
	wait  document.Duration
	kind  string
	inner *inner
	list  []int
}

type inner struct{ a, b int }

func (i *inner) field() document.Field {
	return document.Nested(document.Object{"a": document.Int(&i.a, 0, 9), "b": document.Int(&i.b, 0, 9)}, func(v document.Value) {
		if i.b < i.a {
			v.Wrong("b", "at least a")
		}
		if !v.Has("a") {
			v.Wrong("a", "given")
		}
	})
}

func read(text string) (order, error) {
	var o order
	err := document.Parse([]byte(text), document.Object{
		"rate": document.Float(&o.rate, 0, 1), "count": document.Int(&o.count, 1, 5), "on": document.Bool(&o.on),
		"name": document.Text(&o.name, 3), "wait": document.Interval(&o.wait, 0, time.Minute), "kind": document.OneOf(&o.kind, "x", "y", "z"),
		"inner": document.NestedIn(&o.inner, (*inner).field),
		"list": {Allowed: "an array of at most 2", Read: func(v document.Value) bool {
			return v.Array(2, func(v document.Value) {
				var n int
				if f := document.Int(&n, 0, 9); !f.Read(v) {
					v.Wrong("", f.Allowed)
				}
				o.list = append(o.list, n)
			})
		}},
	}, nil)
	return o, err
}

func TestParse(t *testing.T) {
	got, err := read(`{"rate":0.5,"count":5,"on":true,"name":"äöü","wait":"1m","kind":"z","inner":{"a":1,"b":2},"list":[1,2]}`)
	want := order{0.5, 5, true, "äöü", document.Duration(time.Minute), "z", &inner{1, 2}, []int{1, 2}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(order{}, inner{})); err != nil || diff != "" {
		t.Errorf("%v; -want +got:\n%s", err, diff)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		`{"rate":2}`:                          `rate is 2: must be a number from 0 to 1`,
		`{"rate":"1"}`:                        `rate is 1: must be a number from 0 to 1`,
		`{"rate":null}`:                       `rate is null: must be a number from 0 to 1`,
		`{"count":1.5}`:                       `count is 1.5: must be a whole number from 1 to 5`,
		`{"count":0}`:                         `count is 0: must be a whole number from 1 to 5`,
		`{"on":1}`:                            `on is 1: must be true or false`,
		`{"name":""}`:                         `name is : must be text of 1 to 3 characters`,
		`{"name":"abcd"}`:                     `name is abcd: must be text of 1 to 3 characters`,
		`{"wait":"61s"}`:                      `wait is 61s: must be a duration such as "50ms", from 0s to 1m0s`,
		`{"wait":5}`:                          `wait is 5: must be a duration such as "50ms", from 0s to 1m0s`,
		`{"kind":"w"}`:                        `kind is w: must be "x", "y" or "z"`,
		`{"inner":[]}`:                        `inner is []: must be an object`,
		`{"inner":{"a":10,"c":1}}`:            "inner.a is 10: must be a whole number from 0 to 9\ninner.c is 1: must be absent: the fields here are a, b",
		`{"inner":{"a":2,"b":1}}`:             `inner.b is 1: must be at least a`,
		`{"inner":{"b":1}}`:                   `inner.a: must be given`,
		`{"list":[1,2,3]}`:                    `list is [1,2,3]: must be an array of at most 2`,
		`{"list":[1,true]}`:                   `list[1] is true: must be a whole number from 0 to 9`,
		`{"nope":{"deep":[1]}}`:               `nope is {"deep":[1]}: must be absent: the fields here are count, inner, kind, list, name, on, rate, wait`,
		`{"on":true,"on":false}`:              `on: must be there once: it was given twice`,
		`{"on":true,"o\u006e":false}`:         `on: must be there once: it was given twice`,
		`{"inner":{"a":1,"b":2,"a":1,"a":1}}`: `inner.a: must be there once: it was given twice`,
		`{"x":[{"y":{"z":1,"z":2}}]}`:         "x[0].y.z: must be there once: it was given twice\n" + `x is [{"y":{"z":1,"z":2}}]: must be absent: the fields here are count, inner, kind, list, name, on, rate, wait`,
		``:                                    `document is : must be one JSON object`,
		`{} {}`:                               `document is {} {}: must be one JSON object`,
		`{}]`:                                 `document is {}]: must be one JSON object`,
		`"text"`:                              `document is text: must be one JSON object`,
		strings.Repeat(`{"a":`, 30):           `document is ` + strings.Repeat(`{"a":`, 30) + `: must be one JSON object`,
		`{"a":` + strings.Repeat("[", 25) + strings.Repeat("]", 25) + `}`: `document is {"a":` + strings.Repeat("[", 25) + strings.Repeat("]", 25) + `}: must be one JSON object`,
	} {
		_, err := read(text)
		if _, ok := errors.AsType[problem.Fields](err); !ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestCheck(t *testing.T) {
	for text, ok := range map[string]bool{`{}`: true, `{"a":{"b":null}}`: true, `{"a":1,"a":1}`: false, `[]`: false, `{`: false} {
		if err := document.Check([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestBody(t *testing.T) {
	for size, want := range map[int]int{0: 200, document.MaxSize: 200, document.MaxSize + 1: 413} {
		w := httptest.NewRecorder()
		body, ok := document.Body(w, httptest.NewRequestWithContext(t.Context(), "PUT", "/", strings.NewReader(strings.Repeat("x", size))))
		if w.Code != want || ok != (want == 200) || ok && len(body) != size {
			t.Errorf("%d bytes: %d, %v, read %d", size, w.Code, ok, len(body))
		}
	}
}

// TestRefused: an answer is not many times as large as the document.
func TestRefused(t *testing.T) {
	many := `{` + strings.Repeat(`"n":1,`, 200) + `"m":1}`
	for i := range 200 {
		many = strings.Replace(many, `"n":`, `"n`+strings.Repeat("i", i)+`":`, 1)
	}
	_, err := read(many)
	d := document.Refused(err)
	if d.Status != 400 || len(d.Errors) != 50 || d.Detail != "the document has 201 problem(s); nothing was changed" {
		t.Errorf("%d, %d errors, %s", d.Status, len(d.Errors), d.Detail)
	}
	if d := document.Refused(errors.New("other")); d.Status != 400 || d.Detail != "other" {
		t.Errorf("%+v", d)
	}
}

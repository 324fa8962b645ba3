package problem_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/problem"
)

func TestWrite(t *testing.T) {
	rec := httptest.NewRecorder()
	problem.New(http.StatusBadRequest, "2 fields are wrong",
		problem.Field{Field: "error_rate", Value: 2, Allowed: "0 to 1"},
		problem.Field{Field: "eror_rate", Allowed: "absent: there is no such field"},
	).Write(rec)
	want := `{
  "type": "about:blank",
  "title": "Bad Request",
  "status": 400,
  "detail": "2 fields are wrong",
  "errors": [
    {
      "field": "error_rate",
      "value": 2,
      "allowed": "0 to 1"
    },
    {
      "field": "eror_rate",
      "allowed": "absent: there is no such field"
    }
  ]
}
`
	if diff := cmp.Diff(want, rec.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if rec.Code != http.StatusBadRequest || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, content type %q", rec.Code, rec.Header().Get("Content-Type"))
	}
}

func TestWhatJSONCannotExpressIsNoAnswer(t *testing.T) {
	rec := httptest.NewRecorder()
	problem.WriteJSON(rec, http.StatusOK, "application/json", make(chan int))
	if rec.Code != http.StatusInternalServerError {
		t.Errorf("status %d", rec.Code)
	}
}

func TestFieldsAreOneErrorWithALineEach(t *testing.T) {
	err := problem.Fields{{Field: "a", Value: "x", Allowed: "a number"}, {Field: "b", Allowed: "absent"}}
	if got, want := err.Error(), "a is x: must be a number\nb: must be absent"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

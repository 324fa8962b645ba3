package document

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"reliability/internal/problem"
)

// MaxSize bounds a document that comes over HTTP.
const MaxSize = 64 << 10

// maxProblems bounds an answer that names problems: a document of nothing else would make
// one many times its own size.
const maxProblems = 50

// Body reads a request's body of at most [MaxSize]. It reports whether it could; if not,
// it has answered why.
func Body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxSize))
	if err == nil {
		return body, true
	}
	status := http.StatusBadRequest
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		status = http.StatusRequestEntityTooLarge
	}
	problem.New(status, "the document could not be read: "+err.Error()).Write(w)
	return nil, false
}

// Refused is the answer to a document that [Parse] has found something wrong with.
func Refused(err error) problem.Document {
	bad, ok := errors.AsType[problem.Fields](err)
	if !ok {
		return problem.New(http.StatusBadRequest, err.Error())
	}
	detail := fmt.Sprintf("the document has %d problem(s); nothing was changed", len(bad))
	return problem.New(http.StatusBadRequest, detail, bad[:min(len(bad), maxProblems)]...)
}

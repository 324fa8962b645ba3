package world

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Doc is a JSON document for the services' APIs. Durations in it are written as they read
// them: "250ms".
type Doc map[string]any

// MarshalJSON writes durations as text.
func (d Doc) MarshalJSON() ([]byte, error) {
	plain := make(map[string]any, len(d))
	for k, v := range d {
		if duration, ok := v.(time.Duration); ok {
			v = duration.String()
		}
		plain[k] = v
	}
	return json.Marshal(plain)
}

// document is one that is written already.
type document string

// MarshalJSON writes it.
func (d document) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// maxAnswer bounds an answer of an API.
const maxAnswer = 16 << 20

// An api is a service's HTTP API.
type api struct {
	client *http.Client
	url    string
}

// ask sends a request that changes or reads something, and must succeed.
func (a api) ask(ctx context.Context, method, path string, doc, into any) error {
	var body io.Reader
	if doc != nil {
		text, err := json.Marshal(doc)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return err
	}
	status, answer, _, err := a.send(req)
	switch {
	case err != nil:
		return err
	case status/100 != 2:
		return fmt.Errorf("%s %s%s: %d %s", method, a.url, path, status, strings.TrimSpace(string(answer)))
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s%s: %w", method, a.url, path, err)
	}
	return nil
}

// send sends a request and reads the whole answer, whatever it is.
func (a api) send(req *http.Request) (status int, answer []byte, header http.Header, err error) {
	res, err := a.client.Do(req) //nolint:gosec // whom to ask is what the command is told
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, answer, res.Header, err
}

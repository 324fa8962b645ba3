package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Send makes one request to caller, as curl would, and returns the answer's body. The path
// has no slash at its start. A status other than 2xx is an error.
func (l *Lab) Send(ctx context.Context, method, path, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, l.Page+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("%s /%s: %s: %s", method, path, resp.Status, answer)
	}
	return string(answer), nil
}

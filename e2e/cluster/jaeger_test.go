package cluster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// trace is one trace as Jaeger's query API gives it.
type trace struct {
	Spans     []span             `json:"spans"`
	Processes map[string]process `json:"processes"`
}

type span struct {
	SpanID        string `json:"spanID"`
	OperationName string `json:"operationName"`
	References    []struct {
		RefType string `json:"refType"`
		SpanID  string `json:"spanID"`
	} `json:"references"`
	StartTime int64  `json:"startTime"` // microseconds
	ProcessID string `json:"processID"`
	Tags      tags   `json:"tags"`
}

type process struct {
	ServiceName string `json:"serviceName"`
	Tags        tags   `json:"tags"`
}

type tags []struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// get returns a tag's value as text; "" if there is none.
func (ts tags) get(key string) string {
	for _, t := range ts {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

func (tr trace) service(s span) string { return tr.Processes[s.ProcessID].ServiceName }

func (tr trace) count(service string) int {
	n := 0
	for _, s := range tr.Spans {
		if tr.service(s) == service {
			n++
		}
	}
	return n
}

// children returns the spans below the one with this id, in order of start; "" stands for the roots.
func (tr trace) children(parent string) []span {
	var found []span
	for _, s := range tr.Spans {
		of := ""
		for _, r := range s.References {
			if r.RefType == "CHILD_OF" {
				of = r.SpanID
			}
		}
		if of == parent {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b span) int { return cmp.Compare(a.StartTime, b.StartTime) })
	return found
}

// String draws the tree, for a reader of a failed test.
func (tr trace) String() string {
	var b strings.Builder
	var draw func(parent, indent string)
	draw = func(parent, indent string) {
		for _, s := range tr.children(parent) {
			fmt.Fprintf(&b, "%s%s: %s (%s, resend_count %q)\n", indent, tr.service(s), s.OperationName,
				s.Tags.get("span.kind"), s.Tags.get("http.request.resend_count"))
			draw(s.SpanID, indent+"  ")
		}
	}
	draw("", "  ")
	return b.String()
}

// findTrace asks Jaeger for a trace until complete says that nothing is missing: spans arrive in batches.
func findTrace(t *testing.T, id string, complete func(trace) error) trace {
	t.Helper()
	var found trace
	eventually(t, 30*time.Second, "trace "+id+" complete in Jaeger", func() error {
		res, body, err := request(t, http.MethodGet, jaegerURL+"/api/traces/"+id, "")
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", res.Status, body)
		}
		var answer struct {
			Data []trace `json:"data"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err
		}
		if len(answer.Data) != 1 {
			return fmt.Errorf("%d traces with this id", len(answer.Data))
		}
		found = answer.Data[0]
		if err := complete(found); err != nil {
			return fmt.Errorf("%w:\n%s", err, found)
		}
		return nil
	})
	return found
}

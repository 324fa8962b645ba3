package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"reliability/bench/internal/server"
	"reliability/bench/internal/statistics"
	"reliability/bench/internal/wire"
	"reliability/services/caller"
)

// A mode is how connections to the dependency are used: caller's are what its policy
// says, and the plain client's the same.
type mode struct {
	Name   string
	Policy string  // CALLER_POLICY
	keep   bool    // a connection for the next call
	least  float64 // required of the ratio's lower bound
}

func modes() []mode {
	return []mode{
		{"pooled", `{"connections":{"mode":"pooled"}}`, true, leastPooled},
		{"per_request", `{"connections":{"mode":"per_request"}}`, false, leastRatio},
	}
}

// A throughput is caller's, and that of the plain client, in calls a second.
type throughput struct {
	Mode mode
	statistics.Comparison
}

// compare measures caller beside a plain client. All is in this process.
func (r *report) compare(ctx context.Context) error {
	for _, m := range modes() {
		measured, err := r.compareMode(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		r.Throughput = append(r.Throughput, throughput{m, measured})
	}
	return nil
}

func (r *report) compareMode(ctx context.Context, m mode) (measured statistics.Comparison, err error) {
	dependency, err := server.Start(ctx, "flaky", server.Flaky)
	if err != nil {
		return measured, err
	}
	defer func() { err = errors.Join(err, dependency.End()) }()
	url := "http://" + dependency.Addr() + "/work"
	p := &plain{url: url}
	ours := server.Caller("CALLER_UPSTREAM_URL="+url, "CALLER_POLICY="+m.Policy)
	err = server.Beside(ctx, "caller", r.Clients, [2]server.Listen{ours, p.listen(m)}, func(clients [2][]*wire.Client) error {
		if err := p.imitate(clients[0][0], clients[1][0]); err != nil {
			return err
		}
		measured, err = wire.Compare(ctx, clients, call, r.Pairs, r.Slice)
		return err
	})
	return measured, err
}

// call is the request that all of this is about.
var call = wire.Request(http.MethodGet, "/call", "")

// imitate has the plain handler give the answer that caller gives, in its own figures, and
// sees to it that it does.
func (p *plain) imitate(ours, theirs *wire.Client) error {
	var mine []byte
	for range 2 { // the second call may go over the first one's connection, and says so
		var err error
		if mine, err = ours.Exchange(call); err != nil {
			return fmt.Errorf("caller: %w", err)
		}
	}
	mine = bytes.Clone(mine)
	var answer caller.Answer
	if err := json.Unmarshal(mine, &answer); err != nil {
		return err
	}
	if len(answer.Attempts) != 1 {
		return fmt.Errorf("caller made %d attempts: its dependency does not work", len(answer.Attempts))
	}
	p.answer.Store(&answer)
	other, err := theirs.Exchange(call)
	if err != nil {
		return fmt.Errorf("plain: %w", err)
	}
	if a, b := shape(mine), shape(other); a == nil || !reflect.DeepEqual(a, b) {
		return fmt.Errorf("caller answers %s and plain %s: they do not do the same", mine, other)
	}
	return nil
}

// shape is a JSON document without its values: only their kinds. Of a number it does not
// say which, of a string how long it is. It is nil for what is no document.
func shape(document []byte) any {
	var v any
	if json.Unmarshal(document, &v) != nil {
		return nil
	}
	return shapeOf(v)
}

func shapeOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = shapeOf(value)
		}
		return v
	case []any:
		for i, value := range v {
			v[i] = shapeOf(value)
		}
		return v
	case string:
		return len(v)
	}
	return fmt.Sprintf("%T", v)
}

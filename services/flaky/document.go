package flaky

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"reliability/internal/problem"
)

// Bounds of a fault document.
const (
	defaultErrorStatus = 503
	maxLatency         = 5 * time.Minute
	maxShown           = 200       // bytes of a value in an error
	maxSeed            = 1<<53 - 1 // what every JSON reader can hold exactly
)

// A Duration is written in JSON as Go writes it: "250ms".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText makes a document of an environment variable. Nothing is set on an error.
func (f *Faults) UnmarshalText(text []byte) error {
	parsed, err := ParseFaults(text)
	if err == nil {
		*f = parsed
	}
	return err
}

// UnmarshalJSON makes one of a part of another document.
func (f *Faults) UnmarshalJSON(text []byte) error { return f.UnmarshalText(text) }

// ParseFaults reads and checks a whole document. The error is a [problem.Fields] with
// every problem in it.
func ParseFaults(text []byte) (Faults, error) {
	var (
		f   Faults
		bad problem.Fields
	)
	object(&bad, "", text, map[string]reader{
		"error_rate": {"a number from 0 to 1", func(v json.RawMessage) bool { return number(v, &f.ErrorRate) && f.ErrorRate >= 0 && f.ErrorRate <= 1 }},
		"error_status": {"a whole number from 400 to 599", func(v json.RawMessage) bool {
			return number(v, &f.ErrorStatus) && f.ErrorStatus >= 400 && f.ErrorStatus <= 599
		}},
		"seed": {"a whole number from 1 to 9007199254740991", func(v json.RawMessage) bool { return number(v, &f.Seed) && f.Seed >= 1 && f.Seed <= maxSeed }},
		"latency": {"an object", func(v json.RawMessage) bool {
			f.Latency = &Latency{Distribution: "fixed", Value: -1}
			isObject := object(&bad, "latency.", v, map[string]reader{
				"distribution": {`"fixed"`, func(v json.RawMessage) bool { return string(v) == `"fixed"` }},
				"value":        {fmt.Sprintf("a duration such as \"50ms\", from 0s to %v", maxLatency), func(v json.RawMessage) bool { return duration(v, &f.Latency.Value) }},
			})
			if isObject && f.Latency.Value < 0 && !bad.Has("latency.value") {
				bad = append(bad, problem.Field{Field: "latency.value", Allowed: "given"})
			}
			return isObject
		}},
	})
	if len(bad) > 0 {
		return Faults{}, bad
	}
	if f.ErrorRate > 0 && f.ErrorStatus == 0 {
		f.ErrorStatus = defaultErrorStatus
	}
	return f, nil
}

// A reader reads one field and reports whether its value is allowed.
type reader struct {
	allowed string
	read    func(json.RawMessage) bool
}

// object reads a JSON object by its fields' readers and adds what is wrong to bad, with
// the field's path. It reports whether text was an object at all; what is wrong inside
// one has been added already.
func object(bad *problem.Fields, path string, text []byte, fields map[string]reader) bool {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil || values == nil {
		if path == "" {
			shown := string(text)
			if len(text) > maxShown {
				shown = fmt.Sprintf("%s… (%d bytes)", text[:maxShown], len(text))
			}
			*bad = append(*bad, problem.Field{Field: "document", Value: shown, Allowed: "one JSON object"})
		}
		return false
	}
	known := slices.Sorted(maps.Keys(fields))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := bytes.TrimSpace(values[name])
		field, ok := fields[name]
		switch {
		case !ok:
			field.allowed = "absent: the fields here are " + strings.Join(known, ", ")
		case string(value) != "null" && field.read(value):
			continue
		}
		var shown any
		if len(value) <= maxShown {
			_ = json.Unmarshal(value, &shown) // it is JSON: it was a part of some
		} else {
			shown = fmt.Sprintf("%s… (%d bytes)", value[:maxShown], len(value))
		}
		*bad = append(*bad, problem.Field{Field: path + name, Value: shown, Allowed: field.allowed})
	}
	return true
}

// number accepts only what the Go type holds exactly: 503.5 is no status.
func number[T float64 | int | uint64](v json.RawMessage, into *T) bool {
	return json.Unmarshal(v, into) == nil
}

func duration(v json.RawMessage, into *Duration) bool {
	var text string
	if json.Unmarshal(v, &text) != nil {
		return false
	}
	d, err := time.ParseDuration(text)
	*into = Duration(d)
	return err == nil && d >= 0 && d <= maxLatency
}

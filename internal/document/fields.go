package document

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Duration is written in JSON as Go writes it: "250ms".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string { return time.Duration(d).String() }

// Float is a number from least to most.
func Float(into *float64, least, most float64) Field {
	return Field{
		Allowed: fmt.Sprintf("a number from %s to %s", number(least), number(most)),
		Read: func(v Value) bool {
			return json.Unmarshal(v.JSON, into) == nil && *into >= least && *into <= most
		},
	}
}

// number is one as people write it: 1000000, where Go would write 1e+06.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Int is a whole number from least to most. 503.0 is none: only what the type holds
// exactly is accepted.
func Int[T int | int64 | uint64](into *T, least, most T) Field {
	return Field{
		Allowed: fmt.Sprintf("a whole number from %d to %d", least, most),
		Read: func(v Value) bool {
			return json.Unmarshal(v.JSON, into) == nil && *into >= least && *into <= most
		},
	}
}

// Bool is true or false.
func Bool(into *bool) Field {
	return Field{Allowed: "true or false", Read: func(v Value) bool { return json.Unmarshal(v.JSON, into) == nil }}
}

// Text is a string of 1 to most characters.
func Text(into *string, most int) Field {
	return Field{
		Allowed: fmt.Sprintf("text of 1 to %d characters", most),
		Read: func(v Value) bool {
			return json.Unmarshal(v.JSON, into) == nil && *into != "" && utf8.RuneCountInString(*into) <= most
		},
	}
}

// Interval is a duration from least to most, as [time.ParseDuration] reads it.
func Interval(into *Duration, least, most time.Duration) Field {
	return Field{
		Allowed: fmt.Sprintf("a duration such as \"50ms\", from %v to %v", least, most),
		Read: func(v Value) bool {
			var text string
			if json.Unmarshal(v.JSON, &text) != nil {
				return false
			}
			d, err := time.ParseDuration(text)
			*into = Duration(d)
			return err == nil && d >= least && d <= most
		},
	}
}

// OneOf is one of the given words.
func OneOf(into *string, words ...string) Field {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	last := len(quoted) - 1
	allowed := quoted[last]
	if last > 0 {
		allowed = strings.Join(quoted[:last], ", ") + " or " + allowed
	}
	return Field{
		Allowed: allowed,
		Read:    func(v Value) bool { return json.Unmarshal(v.JSON, into) == nil && slices.Contains(words, *into) },
	}
}

// Nested is an object. After its fields are read, check, if not nil, looks at them
// together; it is not asked where one of them is wrong by itself.
func Nested(o Object, check func(Value)) Field {
	return Field{Allowed: "an object", Read: func(v Value) bool {
		before := len(*v.bad)
		isObject := v.Object(o)
		if isObject && check != nil && len(*v.bad) == before {
			check(v)
		}
		return isObject
	}}
}

// NestedIn is an object of its own that a document may have: into is set to a new T, which
// field reads into.
func NestedIn[T any](into **T, field func(*T) Field) Field {
	t := new(T)
	f := field(t)
	return Field{Allowed: f.Allowed, Read: func(v Value) bool {
		*into = t
		return f.Read(v)
	}}
}

package caller

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"reliability/internal/problem"
)

// maxDeadline bounds X-Deadline-Ms.
const maxDeadline = time.Hour

// A wish is what the client of one call asks for: the pipeline, and how long it waits.
type wish struct {
	engine     string // "": the first
	order      []string
	ordered    bool            // the client has said an order
	toggled    map[string]bool // policies that the client has turned on or off
	deadline   time.Duration   // 0: none
	doNotRetry bool
	key        string // Idempotency-Key; only orders have a use for it
	callID     string // X-Call-Id: the client's name for the call; "": none
	attempt    int    // X-Attempt: which attempt of the client's own the call is; 0: it does not say
}

// wishOf reads the query and the headers of a call. All problems come at once.
func wishOf(r *http.Request) (wish, problem.Fields) {
	var w wish
	var bad problem.Fields
	wrong := func(field string, value any, allowed string) {
		bad = append(bad, problem.Field{Field: field, Value: value, Allowed: allowed})
	}
	var query url.Values
	var err error
	if r.URL.RawQuery != "" {
		if query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			wrong("query", r.URL.RawQuery, "parameters as in engine=gobreaker&order=retry,timeout")
		}
		w.toggled = map[string]bool{}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		value := query[name][0]
		switch {
		case len(query[name]) > 1:
			wrong(name, strings.Join(query[name], ", "), "given once")
		case name == "engine":
			w.engine = value
			if !slices.ContainsFunc(engines(), func(e engineKind) bool { return e.name == value }) {
				wrong(name, value, engineHandRolled+" or "+engineGobreaker)
			}
		case name == "order":
			var ok bool
			if w.order, ok = orderOf(value); !ok {
				wrong(name, value, "none, or a comma-separated list, the outermost first, each once at most, of "+strings.Join(policyNames(), ", "))
			}
			w.ordered = true
		case slices.Contains(policyNames(), name):
			if value != "on" && value != "off" {
				wrong(name, value, "on or off")
			}
			w.toggled[name] = value == "on"
		default:
			wrong(name, value, "absent: the parameters here are engine, order, "+strings.Join(policyNames(), ", "))
		}
	}
	// Two of a header are no value that is allowed either.
	if text := strings.Join(r.Header[headerDeadline], ", "); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if w.deadline = time.Duration(n) * time.Millisecond; err != nil || n < 1 || w.deadline > maxDeadline {
			wrong(headerDeadline, text, fmt.Sprintf("a whole number of milliseconds from 1 to %d", maxDeadline.Milliseconds()))
		}
	}
	if text := strings.Join(r.Header[headerDoNotRetry], ", "); text != "" {
		if w.doNotRetry, err = strconv.ParseBool(text); err != nil {
			wrong(headerDoNotRetry, text, "true or false")
		}
	}
	w.callID, w.attempt = identityOf(r.Header, wrong)
	if keys := r.Header[headerIdempotencyKey]; len(keys) > 1 || len(keys) == 1 && len(keys[0]) > maxKey {
		wrong(headerIdempotencyKey, fmt.Sprintf("%d values, %d bytes", len(keys), len(strings.Join(keys, ""))), fmt.Sprintf("one value of at most %d bytes", maxKey))
	} else if len(keys) == 1 {
		w.key = keys[0]
	}
	return w, bad
}

// orderOf reads a list of policies.
func orderOf(text string) ([]string, bool) {
	if text == "none" {
		return []string{}, true
	}
	order := strings.Split(text, ",")
	for i, name := range order {
		if !slices.Contains(policyNames(), name) || slices.Contains(order[:i], name) {
			return nil, false
		}
	}
	return order, true
}

// plain reports whether the client leaves the pipeline to the policy.
func (w wish) plain() bool { return !w.ordered && len(w.toggled) == 0 && !w.doNotRetry }

// applyTo returns the order that the call goes by: the client's own or the policy's, with
// what it has turned off taken out, and what it has turned on put where it belongs.
func (w wish) applyTo(order []string) []string {
	if w.plain() {
		return order
	}
	if w.ordered {
		order = w.order
	}
	order = slices.DeleteFunc(slices.Clone(order), func(name string) bool {
		on, toggled := w.toggled[name]
		return toggled && !on || name == policyRetry && w.doNotRetry
	})
	rank := func(name string) int { return slices.Index(policyNames(), name) }
	for _, name := range policyNames() {
		if !w.toggled[name] || slices.Contains(order, name) || name == policyRetry && w.doNotRetry {
			continue
		}
		at := slices.IndexFunc(order, func(other string) bool { return rank(other) > rank(name) })
		if at < 0 {
			at = len(order)
		}
		order = slices.Insert(order, at, name)
	}
	return order
}

package browser

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// NoAnswer is the status of a request that nobody answered, or not to the end.
const NoAnswer = 0

// wrongs are what no page should do: exceptions, errors and warnings on the console, what
// the browser itself complains of (a broken Content-Security-Policy too), and requests to
// other hosts.
type wrongs struct {
	home *url.URL

	mu      sync.Mutex
	found   []string
	allowed []failure
}

// A failure is an answer that the browser complains of.
type failure struct {
	prefix string // of the URL's path with its query, after the first slash
	status int
}

// Allow says that from now on requests whose path begins so (without a slash at its
// start) may be answered with that status, since the test is about that. Everything else
// stays wrong.
func (w *wrongs) Allow(prefix string, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed = append(w.allowed, failure{prefix: prefix, status: status})
}

// Wrong returns what was found until now.
func (w *wrongs) Wrong() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.found)
}

func (w *wrongs) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

func (w *wrongs) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.note("exception: %s", e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		switch e.Type {
		case runtime.APITypeError, runtime.APITypeWarning, runtime.APITypeAssert:
			w.note("console: %s", said(e.Args))
		}
	case *log.EventEntryAdded:
		if !w.allows(e.Entry) {
			w.note("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		w.requested(e.Request.URL)
	case *network.EventWebSocketCreated:
		w.requested(e.URL)
	}
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, cmp.Or(a.Description, string(a.Value)))
	}
	return strings.Join(words, " ")
}

func (w *wrongs) requested(address string) {
	u, err := url.Parse(address)
	if err == nil && (u.Host == w.home.Host || u.Scheme == "data" || u.Scheme == "blob") {
		return
	}
	w.note("a request to another host: %s", address)
}

func (w *wrongs) allows(e *log.Entry) bool {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host != w.home.Host || e.Source != log.SourceNetwork {
		return false
	}
	status := -1
	if m := regexp.MustCompile(`a status of (\d{3}) `).FindStringSubmatch(e.Text); m != nil {
		status, _ = strconv.Atoi(m[1])
	} else if strings.Contains(e.Text, "net::ERR_") {
		status = NoAnswer
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.allowed, func(f failure) bool {
		return f.status == status && strings.HasPrefix(strings.TrimPrefix(u.RequestURI(), "/"), f.prefix)
	})
}

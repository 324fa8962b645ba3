package caller

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
)

// FaultsAnswer is the answer of every request at /api/faults.
type FaultsAnswer struct {
	Replicas []Replica `json:"replicas"`
}

// faultsFailure is a problem document with the same members.
type faultsFailure struct {
	problem.Document
	FaultsAnswer
}

func (s *Service) getFaults(c *gin.Context) {
	if !s.hasFaultControls(c) {
		return
	}
	if _, ok := faultsQuery(c, false); !ok {
		return
	}
	found, err := s.replicas.read(c.Request.Context())
	s.answerFaults(c, found, err)
}

// changeFaults passes a change on to every replica that was born healthy, or with one of the
// profiles named by ?profile=: a document, a JSON merge patch of the one in force, or DELETE,
// which returns to what the replica was born with.
func (s *Service) changeFaults(c *gin.Context) {
	if !s.hasFaultControls(c) {
		return
	}
	profiles, ok := faultsQuery(c, true)
	if !ok {
		return
	}
	var body []byte
	if c.Request.Method != http.MethodDelete {
		if body, ok = document.Body(c.Writer, c.Request); !ok {
			return
		}
	}
	found, err := s.replicas.write(c.Request.Context(), c.Request.Method, body, profiles)
	select {
	case s.faultsWritten <- struct{}{}:
	default: // who asks because of one sees all
	}
	if e, ok := errors.AsType[*profileError](err); ok || errors.Is(err, errNoneHealthy) {
		d := problem.New(http.StatusConflict, err.Error())
		if ok {
			for _, name := range e.missing {
				d.Errors = append(d.Errors, problem.Field{Field: "profile", Value: name, Allowed: strings.Join(e.there, " or ")})
			}
		}
		d.Write(c.Writer)
		return
	}
	if d := refusedByAll(found); d != nil {
		d.Write(c.Writer)
		return
	}
	s.answerFaults(c, found, err)
}

// refusedByAll returns what one of those said that were asked to change something, unless
// another one did so: then the answer has to say of each what it did.
func refusedByAll(found []Replica) (refused *problem.Document) {
	for _, r := range found {
		switch {
		case r.changed:
			return nil
		case r.refused != nil:
			refused = r.refused
		}
	}
	return refused
}

// maxProfiles bounds how many names one request may have.
const maxProfiles = 100

// faultsQuery returns the profiles that the query names, each once. It reports whether the
// query can be accepted; if not, it has answered why.
func faultsQuery(c *gin.Context, choosing bool) (profiles []string, ok bool) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		refuse(c, problem.Field{Field: "query", Value: shortened(c.Request.URL.RawQuery), Allowed: "parameters as in profile=errors,slow"})
		return nil, false
	}
	allowed := "absent: this request has no parameters"
	if choosing {
		allowed = "absent: the only parameter is profile"
	}
	var bad problem.Fields
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "profile" && choosing {
			var wrong *problem.Field
			if profiles, wrong = profileNames(values[name]); wrong != nil {
				bad = append(bad, *wrong)
			}
			continue
		}
		bad = append(bad, problem.Field{Field: name, Value: strings.Join(values[name], ","), Allowed: allowed})
	}
	if len(bad) > 0 {
		refuse(c, bad...)
		return nil, false
	}
	return profiles, true
}

func profileNames(values []string) ([]string, *problem.Field) {
	text := strings.Join(values, ",")
	names := strings.Split(text, ",")
	slices.Sort(names)
	if names = slices.Compact(names); names[0] == "" || len(names) > maxProfiles {
		return nil, &problem.Field{Field: "profile", Value: strconv.Quote(text), Allowed: "the names of 1 to 100 profiles, with commas between them"}
	}
	return names, nil
}

func (s *Service) answerFaults(c *gin.Context, found []Replica, err error) {
	status, answer := faultsDocument(found, err)
	kind := problem.ContentType
	if status == http.StatusOK {
		kind = "application/json"
	}
	problem.WriteJSON(c.Writer, status, kind, answer)
}

// faultsDocument says 502 unless every replica is known to be as the answer shows it.
func faultsDocument(found []Replica, err error) (status int, answer any) {
	failed := 0
	for _, r := range found {
		if r.Error != "" {
			failed++
		}
	}
	switch {
	case err != nil:
		return http.StatusBadGateway, problem.New(http.StatusBadGateway, err.Error())
	case failed > 0:
		d := problem.New(http.StatusBadGateway, fmt.Sprintf("%d of %d replicas did not do as asked", failed, len(found)))
		return d.Status, faultsFailure{d, FaultsAnswer{found}}
	}
	return http.StatusOK, FaultsAnswer{found}
}

func (s *Service) hasFaultControls(c *gin.Context) bool {
	if s.replicas == nil {
		problem.New(http.StatusNotFound, "there are no fault controls: "+EnvPrefix+"FLAKY_ADMIN_URL is not set").Write(c.Writer)
	}
	return s.replicas != nil
}

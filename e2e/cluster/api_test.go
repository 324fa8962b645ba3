package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// callerState is what GET /api/state says, as far as the tests look at it.
type callerState struct {
	Instance string                 `json:"instance"`
	Engines  map[string]engineState `json:"engines"`
	Policy   struct {
		Source string `json:"source"`
	} `json:"policy"`
	Load struct {
		Load struct {
			Rate float64 `json:"rate"`
		} `json:"load"`
		Offered int `json:"offered"`
		Dropped int `json:"dropped"`
		Done    int `json:"done"`
		Running int `json:"running"`
	} `json:"load"`
}

type engineState struct {
	Breaker struct {
		State string `json:"state"`
		Mode  string `json:"mode"`
	} `json:"breaker"`
	Outcomes map[string]int `json:"outcomes"`
	Results  map[string]int `json:"results"`
	Retries  int            `json:"retries"`
	InFlight int            `json:"in_flight"`
}

// state asks the caller behind the NodePort.
func state(t *testing.T) (callerState, error) {
	var s callerState
	err := get(t, "/api/state", &s)
	return s, err
}

// callers asks all of them, by way of one.
func callers(t *testing.T) ([]callerState, error) {
	var all struct {
		Instances []struct {
			State callerState `json:"state"`
			Error string      `json:"error"`
		} `json:"instances"`
	}
	if err := get(t, "/api/state?all=1", &all); err != nil {
		return nil, err
	}
	var found []callerState
	for _, i := range all.Instances {
		if i.Error != "" {
			return nil, fmt.Errorf("a caller does not answer: %s", i.Error)
		}
		found = append(found, i.State)
	}
	return found, nil
}

// replica is what GET /api/faults says of one.
type replica struct {
	Address  string          `json:"address"`
	ServedBy string          `json:"served_by"`
	Profile  string          `json:"profile"`
	Faults   json.RawMessage `json:"faults"`
	Boot     json.RawMessage `json:"boot"`
	Source   string          `json:"source"`
	Healthy  bool            `json:"healthy"`
	Phase    json.RawMessage `json:"phase"`
	Error    string          `json:"error"`
}

func faults(t *testing.T) ([]replica, error) {
	var answer struct {
		Replicas []replica `json:"replicas"`
	}
	err := get(t, "/api/faults", &answer)
	return answer.Replicas, err
}

// everyReplica runs check for each replica whose pod's name begins so, and fails if there is none.
func everyReplica(t *testing.T, prefix string, check func(replica) error) error {
	all, err := faults(t)
	if err != nil {
		return err
	}
	var problems []error
	n := 0
	for _, r := range all {
		if r.Error != "" {
			problems = append(problems, fmt.Errorf("replica %s: %s", r.Address, r.Error))
			continue
		}
		if !strings.HasPrefix(r.ServedBy, prefix) {
			continue
		}
		n++
		if err := check(r); err != nil {
			problems = append(problems, fmt.Errorf("replica %s: %w", r.ServedBy, err))
		}
	}
	if n == 0 {
		problems = append(problems, fmt.Errorf("no replica of %s", prefix))
	}
	return errors.Join(problems...)
}

// get reads an answer of caller's API.
func get(t *testing.T, path string, into any) error {
	res, body, err := request(t, http.MethodGet, callerURL+path, "")
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, res.Status, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		return fmt.Errorf("GET %s: %w: %s", path, err, body)
	}
	return nil
}

// change sends something that caller must accept.
func change(t *testing.T, method, path, body string) {
	t.Helper()
	res, answer, err := request(t, method, callerURL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s %s: %s: %s", method, path, body, res.Status, answer)
	}
}

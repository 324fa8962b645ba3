package caller

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"reliability/internal/problem"
)

// Limits of one request to one replica's admin listener. Reading is what the page does all
// the time, so one replica that hangs must not keep it from seeing the others.
const (
	replicaReadLimit  = 400 * time.Millisecond
	replicaWriteLimit = 2 * time.Second
)

// replicas are flaky's instances, as its fault controls reach them.
type replicas struct{ *fleet }

func newReplicas(adminURL string, network Network) (*replicas, error) {
	admin, err := url.Parse(adminURL)
	if err != nil {
		return nil, err
	}
	return &replicas{newFleet(admin, network)}, nil
}

// Replica is what one replica says of its faults.
type Replica struct {
	Address     string          `json:"address"`
	ServedBy    string          `json:"served_by,omitempty"`
	Profile     string          `json:"profile,omitempty"` // what Boot is called
	Faults      json.RawMessage `json:"faults,omitempty"`  // the document in force
	SeedDrawn   bool            `json:"seed_drawn,omitempty"`
	Source      string          `json:"source,omitempty"` // where it came from
	Since       time.Time       `json:"since,omitzero"`
	Changes     uint64          `json:"changes"` // documents that were in force before
	Healthy     bool            `json:"healthy"` // they inject nothing, now or later
	Differs     bool            `json:"differs,omitempty"`
	Boot        json.RawMessage `json:"boot,omitempty"` // what the replica was born with
	BootHealthy bool            `json:"boot_healthy"`
	Phase       json.RawMessage `json:"phase,omitempty"`     // where the schedule is
	DownUntil   time.Time       `json:"down_until,omitzero"` // when it is back after an injected crash
	Error       string          `json:"error,omitempty"`     // why nothing else is known

	failure string            // Error, without what differs each time
	changed bool              // it did what was asked
	refused *problem.Document // what is wrong with the document sent
}

// read asks every replica.
func (r *replicas) read(ctx context.Context) ([]Replica, error) {
	found, err := r.all(ctx, replicaReadLimit)
	return differing(found), err
}

func (r *replicas) all(ctx context.Context, limit time.Duration) ([]Replica, error) {
	lookup, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	addresses, err := r.addresses(lookup)
	if err != nil {
		return nil, fmt.Errorf("find flaky's replicas: %w", err)
	}
	return once(r.each(ctx, addresses, http.MethodGet, nil, limit)), nil
}

// each sends one request to each address, all at once.
func (r *replicas) each(ctx context.Context, addresses []string, method string, body []byte, limit time.Duration) []Replica {
	return atOnce(addresses, func(address string) Replica { return r.one(ctx, address, method, body, limit) })
}

func (r *replicas) one(ctx context.Context, address, method string, body []byte, limit time.Duration) Replica {
	failed := func(kind string, why any) Replica {
		return Replica{Address: address, Error: fmt.Sprintf("%s /faults: %v", method, why), failure: kind}
	}
	status, answer, err := r.ask(ctx, address, method, "faults", body, limit)
	if err != nil {
		return failed(failureKind(err), err)
	}
	if status != http.StatusOK {
		title := problem.New(status, "").Title
		replica := failed(title, title)
		if d := (problem.Document{}); json.Unmarshal(answer, &d) == nil && d.Status >= 400 && d.Status < 500 {
			replica.Error += ": " + d.Detail
			replica.failure = replica.Error
			if method != http.MethodGet {
				replica.refused = &d
			}
		}
		return replica
	}
	var replica Replica
	if err := json.Unmarshal(answer, &replica); err != nil {
		return failed(err.Error(), err)
	}
	replica.Address, replica.Differs, replica.Error = address, false, "" // are not its to say
	return replica
}

// once leaves out what is another address of the same replica: a host can stand for IPv4
// and IPv6 addresses of the same ones.
func once(found []Replica) []Replica {
	type identity struct {
		servedBy, profile, boot, faults string // with a seed of its own, as a rule
		since                           int64
		changes                         uint64
	}
	seen := map[identity]bool{}
	return slices.DeleteFunc(found, func(r Replica) bool {
		id := identity{r.ServedBy, r.Profile, string(r.Boot), string(r.Faults), r.Since.UnixNano(), r.Changes}
		again := r.Error == "" && seen[id]
		seen[id] = true
		return again
	})
}

// differing marks the replicas whose document is not that of the latest write to those that
// were born with the same profile: the others have missed it, as one does that is born later.
// A seed that was drawn is no part of the document.
func differing(found []Replica) []Replica {
	latest := map[string]*Replica{}
	for i := range found {
		r := &found[i]
		if r.Error == "" && r.Changes > 0 && (latest[r.Profile] == nil || r.Since.After(latest[r.Profile].Since)) {
			latest[r.Profile] = r
		}
	}
	for i := range found {
		r := &found[i]
		if of := latest[r.Profile]; r.Error == "" && of != nil {
			r.Differs = r.document() != of.document()
		}
	}
	return found
}

// document is what is in force as text that is the same for the same document.
func (r *Replica) document() string {
	var members map[string]any
	if json.Unmarshal(r.Faults, &members) != nil {
		return string(r.Faults)
	}
	if r.SeedDrawn {
		delete(members, "seed")
	}
	text, err := json.Marshal(members)
	if err != nil {
		return string(r.Faults)
	}
	return string(text)
}

// errNoneHealthy is a change that no replica would have taken.
var errNoneHealthy = errors.New("no replica was born healthy, so nothing was changed")

// A profileError is a change for replicas of which there are none.
type profileError struct{ missing, there []string }

func (e *profileError) Error() string {
	return fmt.Sprintf("no replica was born with the profile %s, so nothing was changed; there are: %s",
		strings.Join(e.missing, " or "), cmp.Or(strings.Join(e.there, ", "), "none"))
}

// write sends a change to the replicas that were born with one of the profiles or, if there
// are none, healthy: others are dialled by their number. It returns all replicas as they
// are afterwards.
func (r *replicas) write(ctx context.Context, method string, body []byte, profiles []string) ([]Replica, error) {
	found, err := r.all(ctx, replicaWriteLimit)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(found, profiles)
	if err != nil {
		return nil, err
	}
	for _, changed := range r.each(ctx, chosen, method, body, replicaWriteLimit) {
		i := slices.IndexFunc(found, func(x Replica) bool { return x.Address == changed.Address })
		changed.changed = changed.Error == ""
		found[i] = changed
	}
	return differing(found), nil
}

// choose returns the addresses of those that a change is for. There is no error while a
// replica is unknown, which may be the one that is meant.
func choose(found []Replica, profiles []string) (chosen []string, err error) {
	unknown := false
	there := map[string]bool{}
	for _, r := range found {
		if r.Error != "" {
			unknown = true
			continue
		}
		there[r.Profile] = true
		if slices.Contains(profiles, r.Profile) || len(profiles) == 0 && r.BootHealthy {
			chosen = append(chosen, r.Address)
		}
	}
	missing := slices.DeleteFunc(slices.Clone(profiles), func(p string) bool { return there[p] })
	switch {
	case unknown:
		return chosen, nil
	case len(missing) > 0:
		return nil, &profileError{missing, slices.Sorted(maps.Keys(there))}
	case len(chosen) == 0:
		return nil, errNoneHealthy
	}
	return chosen, nil
}

package caller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"reliability/internal/problem"
)

// replicaTimeout bounds one request to one replica's admin listener.
const replicaTimeout = 2 * time.Second

// replicas are flaky's instances, as its fault controls reach them: one for each address
// that the host of the admin URL stands for at the moment.
type replicas struct {
	admin  *url.URL
	lookup func(ctx context.Context, host string) ([]string, error)
	client *http.Client
}

func newReplicas(adminURL string, network Network) (*replicas, error) {
	admin, err := url.Parse(adminURL)
	if err != nil {
		return nil, err
	}
	return &replicas{admin: admin, lookup: network.LookupHost, client: &http.Client{
		Timeout:   replicaTimeout,
		Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true},
	}}, nil
}

// Replica is what one replica says of its faults.
type Replica struct {
	Address     string          `json:"address"`
	ServedBy    string          `json:"served_by,omitempty"`
	Faults      json.RawMessage `json:"faults,omitempty"` // the document in force
	Source      string          `json:"source,omitempty"` // where it came from
	Since       time.Time       `json:"since,omitzero"`
	Healthy     bool            `json:"healthy"`        // they inject nothing, now or later
	Boot        json.RawMessage `json:"boot,omitempty"` // what the replica was born with
	BootHealthy bool            `json:"boot_healthy"`
	Error       string          `json:"error,omitempty"` // why nothing else is known

	refused *problem.Document // what is wrong with the document sent
}

// all asks every replica.
func (r *replicas) all(ctx context.Context) ([]Replica, error) {
	hosts, err := r.lookup(ctx, r.admin.Hostname())
	if err != nil {
		return nil, fmt.Errorf("find flaky's replicas: %w", err)
	}
	addresses := make([]string, len(hosts))
	for i, host := range hosts {
		addresses[i] = net.JoinHostPort(host, r.port())
	}
	slices.Sort(addresses)
	return r.each(ctx, addresses, http.MethodGet, nil), nil
}

func (r *replicas) port() string {
	switch {
	case r.admin.Port() != "":
		return r.admin.Port()
	case r.admin.Scheme == "https":
		return "443"
	}
	return "80"
}

// each sends one request to each address, all at once.
func (r *replicas) each(ctx context.Context, addresses []string, method string, body []byte) []Replica {
	found := make([]Replica, len(addresses))
	var wg sync.WaitGroup
	for i, address := range addresses {
		wg.Go(func() { found[i] = r.one(ctx, address, method, body) })
	}
	wg.Wait()
	return found
}

func (r *replicas) one(ctx context.Context, address, method string, body []byte) Replica {
	replica := Replica{Address: address}
	target := *r.admin
	target.Host = address
	req, err := http.NewRequestWithContext(ctx, method, target.JoinPath("faults").String(), bytes.NewReader(body))
	if err != nil {
		replica.Error = err.Error()
		return replica
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		replica.Error = err.Error()
		return replica
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(answer, &replica)
		replica.Address = address
	}
	if err != nil {
		replica.Error = fmt.Sprintf("%s /faults: %v", method, err)
		return replica
	}
	if res.StatusCode != http.StatusOK {
		replica.Error = fmt.Sprintf("%s /faults: %s", method, res.Status)
		if d := (problem.Document{}); json.Unmarshal(answer, &d) == nil && d.Status >= 400 && d.Status < 500 {
			replica.refused = &d
		}
	}
	return replica
}

// errNoneHealthy is a change that no replica would have taken.
var errNoneHealthy = errors.New("no replica was born healthy, so nothing was changed")

// write sends a change to the replicas that were born healthy; those with a fault by
// birth are dialled by their number. It returns all replicas as they are afterwards.
func (r *replicas) write(ctx context.Context, method string, body []byte) ([]Replica, error) {
	found, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	var chosen []string
	for _, replica := range found {
		if replica.Error == "" && replica.BootHealthy {
			chosen = append(chosen, replica.Address)
		}
	}
	if len(chosen) == 0 && !slices.ContainsFunc(found, func(x Replica) bool { return x.Error != "" }) {
		return nil, errNoneHealthy
	}
	for _, changed := range r.each(ctx, chosen, method, body) {
		i := slices.IndexFunc(found, func(x Replica) bool { return x.Address == changed.Address })
		found[i] = changed
	}
	return found, nil
}

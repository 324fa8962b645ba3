package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
	"reliability/services/caller"
	"reliability/services/flaky"
)

// TestFaultControlsOfSeveralReplicas: one name stands for three replicas, of which one was
// born failing and is left alone, and later one is gone.
func TestFaultControlsOfSeveralReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		born := map[string]flaky.Document{"10.0.0.2": {}, "10.0.0.3": {}, "10.0.0.4": {Faults: flaky.Faults{ErrorRate: 1, ErrorStatus: 500}, Seed: 1}}
		ends := map[string]context.CancelFunc{}
		ended := make(chan error)
		ctx := context.WithoutCancel(t.Context())
		tel := func(service string) *telemetry.Telemetry {
			tel, err := telemetry.New(ctx, telemetry.Config{Service: service, Store: telemetry.NewStore(), LogOutput: io.Discard})
			if err != nil {
				t.Fatal(err)
			}
			return tel
		}
		run := func(name string, listen interface {
			Run(context.Context) error
		}) {
			running, end := context.WithCancel(ctx)
			ends[name] = end
			go func() { ended <- listen.Run(running) }()
		}
		for host, boot := range born {
			service, err := flaky.New(flaky.Config{Addr: host + ":80", AdminAddr: host + ":90", Name: "flaky-" + host, Faults: boot}, tel("flaky"))
			if err != nil {
				t.Fatal(err)
			}
			server, err := service.Listen(network.Listen)
			if err != nil {
				t.Fatal(err)
			}
			run(host, server)
		}
		cfg, err := caller.LoadConfig([]string{"CALLER_ADDR=10.0.0.1:80", "CALLER_ADMIN_ADDR=10.0.0.1:90", "CALLER_FLAKY_ADMIN_URL=http://flaky-pods.test.:90"})
		if err != nil {
			t.Fatal(err)
		}
		service, err := caller.New(cfg, tel("caller"), caller.Network{DialContext: network.DialContext, LookupHost: func(_ context.Context, host string) ([]string, error) {
			if host != "flaky-pods.test." {
				t.Errorf("looked up %q", host)
			}
			return []string{"10.0.0.4", "10.0.0.2", "10.0.0.3"}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		server, err := service.Listen(network.Listen)
		if err != nil {
			t.Fatal(err)
		}
		run("caller", server)

		client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
		// faults sends a change and returns the error rate of each replica, or its error.
		faults := func(method, body string, status int) (rates []string) {
			t.Helper()
			req, err := http.NewRequestWithContext(ctx, method, "http://10.0.0.1:80/api/faults", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			var answer struct {
				caller.FaultsAnswer
				Errors []struct{ Field string } `json:"errors"`
			}
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != status {
				t.Fatalf("%s /api/faults %s: %s, %v; want %d", method, body, res.Status, err, status)
			}
			for _, e := range answer.Errors {
				rates = append(rates, "wrong "+e.Field)
			}
			for _, r := range answer.Replicas {
				var f flaky.Document
				if r.Error != "" {
					rates = append(rates, "error")
				} else if err := json.Unmarshal(r.Faults, &f); err != nil || r.ServedBy+":90" != "flaky-"+r.Address {
					t.Errorf("replica %+v: %v", r, err)
				} else {
					rates = append(rates, fmt.Sprint(f.ErrorRate))
				}
			}
			return rates
		}
		for _, step := range []struct {
			method, body string
			status       int
			want         []string
		}{
			{"GET", "", 200, []string{"0", "0", "1"}},
			{"PUT", `{"error_rate":0.5}`, 200, []string{"0.5", "0.5", "1"}},
			{"PUT", `{"error_rate":5,"x":1}`, 400, []string{"wrong error_rate", "wrong x"}},
			{"GET", "", 200, []string{"0.5", "0.5", "1"}},
			{"DELETE", "", 200, []string{"0", "0", "1"}},
		} {
			if got := faults(step.method, step.body, step.status); !slices.Equal(got, step.want) {
				t.Errorf("%s %s: %v; want %v", step.method, step.body, got, step.want)
			}
		}
		ends["10.0.0.3"]()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := faults("PUT", `{"error_rate":1}`, 502); !slices.Equal(got, []string{"1", "error", "1"}) {
			t.Errorf("with a replica gone: %v", got)
		}
		for _, end := range ends {
			end()
		}
		for range len(ends) - 1 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

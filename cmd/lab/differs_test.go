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
	"time"

	"reliability/internal/memnet"
	"reliability/internal/telemetry"
	"reliability/services/caller"
	"reliability/services/flaky"
)

// TestAReplicaBornLateDiffers: it has missed what the others were told, until all are told
// something again. That each has drawn a seed of its own is no difference.
func TestAReplicaBornLateDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		var hosts []string
		var ends []func()
		ctx := context.WithoutCancel(t.Context())
		// run starts a server until the test ends.
		run := func(service interface {
			Run(context.Context) error
		}, err error) {
			if err != nil {
				t.Fatal(err)
			}
			running, stop := context.WithCancel(ctx)
			ended := make(chan error)
			go func() { ended <- service.Run(running) }()
			ends = append(ends, func() {
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		}
		tel := func(service string) *telemetry.Telemetry {
			tel, err := telemetry.New(ctx, telemetry.Config{Service: service, Store: telemetry.NewStore(), LogOutput: io.Discard})
			if err != nil {
				t.Fatal(err)
			}
			return tel
		}
		born := func(host, profile string, boot flaky.Document) {
			replica, err := flaky.New(flaky.Config{Addr: host + ":80", AdminAddr: host + ":90", Name: "flaky-" + host, Profile: profile, Faults: boot}, tel("flaky"))
			if err != nil {
				t.Fatal(err)
			}
			run(replica.Listen(network.Listen))
			hosts = append(hosts, host)
		}
		cfg, err := caller.LoadConfig([]string{"CALLER_ADDR=10.0.0.1:80", "CALLER_ADMIN_ADDR=10.0.0.1:90", "CALLER_FLAKY_ADMIN_URL=http://flaky-pods.test.:90"})
		if err != nil {
			t.Fatal(err)
		}
		service, err := caller.New(cfg, tel("caller"), caller.Network{
			DialContext: network.DialContext, LookupHost: func(context.Context, string) ([]string, error) { return slices.Clone(hosts), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		run(service.Listen(network.Listen))

		client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext, DisableKeepAlives: true}}
		want := func(method, query, body string, want ...string) {
			t.Helper()
			req, err := http.NewRequestWithContext(ctx, method, "http://10.0.0.1:80/api/faults"+query, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			var answer caller.FaultsAnswer
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%s %s: %s, %v", method, body, res.Status, err)
			}
			var got []string
			for _, r := range answer.Replicas {
				var d flaky.Document
				if err := json.Unmarshal(r.Faults, &d); err != nil {
					t.Errorf("%s: %v", r.Faults, err)
				}
				got = append(got, strings.TrimSpace(fmt.Sprint(r.Profile, " ", d.ErrorRate, map[bool]string{true: " differs"}[r.Differs])))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s %s: %q; want %q", method, query, body, got, want)
			}
		}
		born("10.0.0.2", "", flaky.Document{})
		born("10.0.0.3", "", flaky.Document{})
		born("10.0.0.9", "errors", flaky.Document{Faults: flaky.Faults{ErrorRate: 1, ErrorStatus: 500}})
		want("GET", "", "", "healthy 0", "healthy 0", "errors 1")
		time.Sleep(time.Minute)
		want("PUT", "", `{"error_rate":0.5}`, "healthy 0.5", "healthy 0.5", "errors 1")
		time.Sleep(time.Minute)
		born("10.0.0.4", "", flaky.Document{})
		want("GET", "", "", "healthy 0.5", "healthy 0.5", "healthy 0 differs", "errors 1")
		want("PUT", "?profile=errors", `{"error_rate":0.9}`, "healthy 0.5", "healthy 0.5", "healthy 0 differs", "errors 0.9")
		want("PUT", "", `{"error_rate":0.7}`, "healthy 0.7", "healthy 0.7", "healthy 0.7", "errors 0.9")
		want("GET", "", "", "healthy 0.7", "healthy 0.7", "healthy 0.7", "errors 0.9")
		want("DELETE", "?profile=errors,healthy", "", "healthy 0", "healthy 0", "healthy 0", "errors 1")
		for _, end := range ends {
			end()
		}
	})
}

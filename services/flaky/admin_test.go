package flaky

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/document"
)

func TestFaultsAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = `{"error_rate":0.25,"seed":5}`
		boot := parse(t, text)
		r := run(t, text)
		born := time.Now()
		if s := r.faults("GET", ""); !cmp.Equal(s.Faults, boot) || s.Source != "boot" || !s.Since.Equal(born) || s.BootHealthy || s.Healthy || s.ServedBy != "flaky-7" || s.File != nil || s.Phase != nil {
			t.Errorf("at the start: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := r.faults("PUT", `{"error_rate":1}`); s.Faults.ErrorRate != 1 || s.Faults.Seed == 0 || s.Source != "api" || !s.Since.Equal(born.Add(time.Minute)) || !cmp.Equal(s.Boot, boot) {
			t.Errorf("after PUT: %+v", s)
		}
		if s := r.faults("PUT", `{}`); !s.Healthy {
			t.Errorf("after a healthy PUT: %+v", s)
		}
		if s := r.faults("DELETE", ""); !cmp.Equal(s.Faults, boot) || s.Source != "boot" {
			t.Errorf("after DELETE: %+v", s)
		}
		if code, answer, _ := r.do("POST", "http://flaky:90/faults", "{}"); code != 405 {
			t.Errorf("POST: %d %s", code, answer)
		}
		if code, answer, _ := r.do("GET", "http://flaky/nowhere", ""); code != 404 || !strings.Contains(answer, "nothing at /nowhere") {
			t.Errorf("nowhere: %d %s", code, answer)
		}
	})
}

// TestProfileName is that of the boot profile, whatever is in force.
func TestProfileName(t *testing.T) {
	for _, c := range []struct{ name, boot, want string }{
		{"", `{}`, "healthy"},
		{"", `{"latency":{"value":"0s"}}`, "healthy"},
		{"", `{"error_rate":1}`, "custom"},
		{"", `{"schedule":[{"for":"1s"},{"for":"1s","error_rate":1}]}`, "custom"},
		{"errors", `{"error_rate":1}`, "errors"},
		{"canary", `{}`, "canary"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t, c.boot, func(cfg *Config) { cfg.Profile = c.name })
			before := r.faults("GET", "").Profile
			time.Sleep(time.Minute)
			if after := r.faults("PUT", `{"error_rate":0.5}`).Profile; before != c.want || after != c.want {
				t.Errorf("%q, %s: %q, then %q; want %q", c.name, c.boot, before, after, c.want)
			}
		})
	}
	_, err := LoadConfig([]string{"FLAKY_PROFILE=Errors!"})
	if want := `FLAKY_PROFILE is "Errors!": must be 1 to 63 of a-z, 0-9 and -, which neither begin nor end with -`; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

// TestWhatIsRefusedChangesNothing, by PUT and by PATCH.
func TestWhatIsRefusedChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		before := r.faults("PUT", `{"error_rate":0.5,"latency":{"value":"1s"}}`)
		for body, want := range map[string]int{
			`{"error_rate":7,"nonsense":1}`:                     400,
			`nonsense`:                                          400,
			`[{"error_rate":1}]`:                                400,
			`{"error_rate":0,"error_rate":1}`:                   400,
			`{"latency":{"value":"2s","value":"1s"}}`:           400,
			`{"latency":{"distribution":"uniform","min":"0s"}}`: 400,
			`{"error_rate":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`: 400,
			// One byte too many, and no more: a client that is cut off while it sends may miss the answer.
			`{"error_rate":` + strings.Repeat(" ", document.MaxSize+1-14): 413,
		} {
			for _, method := range []string{"PUT", "PATCH"} {
				code, answer, header := r.do(method, "http://flaky:90/faults", body)
				if code != want || header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %.40s: %d %s", method, body, code, answer)
				}
				if diff := cmp.Diff(before, r.faults("GET", "")); diff != "" {
					t.Errorf("%s %.40s changed something: -before +after\n%s", method, body, diff)
				}
			}
		}
	})
}

// TestABugWhileChangingLeavesNoLock: the request is answered 500, and the next one as ever.
func TestABugWhileChangingLeavesNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		func() {
			defer func() { _ = recover() }()
			r.service.change(nil, func() (*profile, error) { panic("a bug") })
		}()
		if !r.service.applying.TryLock() {
			t.Fatal("the lock is held for ever")
		}
		r.service.applying.Unlock()
	})
}

// TestMergePatch is RFC 7396: what is named changes, null takes away, the rest stays.
func TestMergePatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"seed":3,"error_rate":0.5,"latency":{"value":"1s","rate":0.5}}`)
		for _, step := range []struct{ patch, want string }{
			{`{"error_rate":1}`, `{"error_rate":1,"error_status":503,"latency":{"distribution":"fixed","value":"1s","rate":0.5},"seed":3}`},
			{`{"latency":{"value":"2s"}}`, `{"error_rate":1,"error_status":503,"latency":{"distribution":"fixed","value":"2s","rate":0.5},"seed":3}`},
			{`{"latency":{"distribution":"normal","value":null,"mean":"1s","stddev":"0s"}}`, `{"error_rate":1,"error_status":503,"latency":{"distribution":"normal","mean":"1s","stddev":"0s","rate":0.5},"seed":3}`},
			{`{"latency":null,"hang":{"rate":0.1}}`, `{"error_rate":1,"error_status":503,"hang":{"rate":0.1,"cap":"5m0s"},"seed":3}`},
			{`{}`, `{"error_rate":1,"error_status":503,"hang":{"rate":0.1,"cap":"5m0s"},"seed":3}`},
			{`{"error_rate":null,"error_status":null,"hang":null,"seed":4}`, `{"seed":4}`},
		} {
			got, err := json.Marshal(r.faults("PATCH", step.patch).Faults)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.want, string(got)); diff != "" {
				t.Errorf("after %s, -want +got:\n%s", step.patch, diff)
			}
		}
	})
}

// TestWhoseTheSeedIs: of the document, or drawn for it; a patch of something else does not
// change that.
func TestWhoseTheSeedIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"seed":3}`)
		seed := r.faults("GET", "")
		if seed.SeedDrawn || seed.Changes != 0 {
			t.Errorf("at the start: %+v", seed)
		}
		for i, step := range []struct {
			method, body string
			drawn, stays bool
		}{
			{"PUT", `{"error_rate":1}`, true, false},
			{"PATCH", `{"error_rate":0.5}`, true, true},
			{"PATCH", `{"seed":null}`, true, false},
			{"PATCH", `{"seed":5}`, false, false},
			{"PATCH", `{"error_rate":0.1}`, false, true},
			{"PUT", `{}`, true, false},
			{"DELETE", "", false, false},
		} {
			got := r.faults(step.method, step.body)
			if got.SeedDrawn != step.drawn || got.Faults.Seed == seed.Faults.Seed != step.stays || got.Changes != uint64(i+1) {
				t.Errorf("%s %s: seed %d after %d, %+v", step.method, step.body, got.Faults.Seed, seed.Faults.Seed, got)
			}
			seed = got
		}
	})
}

// TestPagesElsewhereChangeNothing through a visitor's browser.
func TestPagesElsewhereChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{}`)
		for _, c := range []struct{ method, url string }{
			{"PUT", "http://flaky:90/faults"}, {"PATCH", "http://flaky:90/faults"}, {"DELETE", "http://flaky:90/faults"}, {"POST", "http://flaky/charges"},
		} {
			for site, want := range map[string]bool{"cross-site": false, "same-origin": true, "": true} {
				req, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(`{}`))
				if err != nil {
					t.Fatal(err)
				}
				if site != "" {
					req.Header.Set("Sec-Fetch-Site", site)
				}
				res, err := r.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if (res.StatusCode != http.StatusForbidden) != want || res.Header.Get(ServedBy) != "flaky-7" {
					t.Errorf("%s %s from %q: %s", c.method, c.url, site, res.Status)
				}
			}
		}
	})
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, `{"fail_first":{"count":2}}`)
		for _, caller := range []string{"a", "a", "b"} {
			r.get(t.Context(), "X-Caller", caller)
		}
		r.get(t.Context())
		time.Sleep(25 * time.Millisecond) // virtual time begins at a full second
		for range 200 {
			r.get(t.Context(), "X-Caller", "herd")
		}
		code, body, _ := r.do("GET", "http://flaky:90/stats?window=50ms", "")
		var got Stats
		if err := json.Unmarshal([]byte(body), &got); code != 200 || err != nil {
			t.Fatalf("%d %v %s", code, err, body)
		}
		want := Stats{
			ServedBy: "flaky-7", Since: time.Now().Add(-25 * time.Millisecond), Now: time.Now(), Arrivals: 204,
			Outcomes: map[outcome]uint64{"error": 2, "ok": 202},
			Callers: map[string]CallerStats{
				"a": {2, map[outcome]uint64{"error": 2}}, "b": {1, map[outcome]uint64{"ok": 1}},
				"127.0.0.1": {1, map[outcome]uint64{"ok": 1}}, "herd": {200, map[outcome]uint64{"ok": 200}},
			},
			Recent: Recent{BucketMS: 10, From: time.Now().Add(-45 * time.Millisecond), Counts: []uint32{0, 0, 4, 0, 200}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, window := range []string{"0s", "9ms", "61s", "soon", ""} {
			if code, body, _ := r.do("GET", "http://flaky:90/stats?window="+window, ""); code != 400 || !strings.Contains(body, "from 10ms to 1m") {
				t.Errorf("window %q: %d %s", window, code, body)
			}
		}
		if _, body, _ := r.do("GET", "http://flaky:90/metrics", ""); !strings.Contains(body, `reliability_flaky_requests_total{otel_scope_name="reliability/services/flaky",otel_scope_schema_url="",otel_scope_version="",outcome="ok"} 202`) {
			t.Errorf("metrics: %s", body)
		}
		time.Sleep(time.Hour)
		if got := r.service.read(time.Minute); len(got.Recent.Counts) != 6000 || cmp.Diff(make([]uint32, 6000), got.Recent.Counts) != "" {
			t.Error("what arrived an hour ago is recent")
		}
	})
}

// TestCallersAreBounded: names are the clients' choice.
func TestCallersAreBounded(t *testing.T) {
	s := newStats(time.Now())
	for i := range 3 * maxCallers {
		s.arrive(string(rune('a'+i%26))+strings.Repeat("x", i), time.Now())(outcomeOK)
	}
	if got := s.read(time.Now(), time.Second); len(got.Callers) != maxCallers+1 || got.Callers[otherCaller].Arrivals != 2*maxCallers {
		t.Errorf("%d callers, %d of them others", len(got.Callers), got.Callers[otherCaller].Arrivals)
	}
}

// TestPatchesLoseNothing: each of many at once changes its own part, and is answered with a
// document in which it is.
func TestPatchesLoseNothing(t *testing.T) {
	parts := map[string]string{
		"error_status": `500`, "retry_after": `"1s"`, "hang": `{"rate":0.5}`, "reset": `{"rate":0.5}`, "truncate": `{"rate":0.5}`, "unready": `true`,
		"latency": `{"value":"1s"}`, "after_work": `true`, "drip": `{"rate":1,"over":"1s"}`, "seed": `7`, "error_rate": `0.5`, "fail_first": `{"count":1}`,
	}
	r := run(t, `{}`)
	for range 20 {
		r.faults("PUT", `{}`)
		var all sync.WaitGroup
		for name, value := range parts {
			all.Go(func() {
				_, answer, _ := r.do("PATCH", "http://flaky:90/faults", fmt.Sprintf(`{%q:%s}`, name, value))
				if !strings.Contains(answer, fmt.Sprintf("%q: ", name)) {
					t.Errorf("the answer to a patch of %s is without it: %s", name, answer)
				}
			})
		}
		all.Wait()
		whole, err := json.Marshal(r.faults("GET", "").Faults)
		if err != nil {
			t.Fatal(err)
		}
		for name := range parts {
			if !strings.Contains(string(whole), fmt.Sprintf("%q:", name)) {
				t.Fatalf("%s was lost: %s", name, whole)
			}
		}
	}
}

// TestCallersNames are valid text, each once.
func TestCallersNames(t *testing.T) {
	for name, want := range map[string]string{"pod-1": "pod-1", "\xff": "?", strings.Repeat("ä", 51): strings.Repeat("ä", 50), strings.Repeat("a", 99) + "ä": strings.Repeat("a", 99) + "?"} {
		if got := callerOf(&http.Request{Header: http.Header{"X-Caller": {name}}}); got != want {
			t.Errorf("%q: %q; want %q", name, got, want)
		}
	}
}

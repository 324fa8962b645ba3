package caller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"reliability/internal/document"
	"reliability/internal/memnet"
	"reliability/internal/problem"
)

// A fakeReplica is flaky's admin listener, as far as caller sees it.
type fakeReplica struct {
	ServedBy    string          `json:"served_by"`
	Profile     string          `json:"profile"`
	Faults      json.RawMessage `json:"faults"`
	SeedDrawn   bool            `json:"seed_drawn"`
	Source      string          `json:"source"`
	Since       time.Time       `json:"since"`
	Changes     int             `json:"changes"`
	BootHealthy bool            `json:"boot_healthy"`
	Phase       json.RawMessage `json:"phase,omitempty"`

	mu       sync.Mutex   // held while it answers
	asked    atomic.Int64 // requests
	delay    atomic.Int64 // of its answers; a time.Duration
	refuses  bool
	stranger bool // has no faults
	requests []string
}

func (f *fakeReplica) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(time.Duration(f.delay.Load())):
	case <-r.Context().Done():
		return
	}
	body, _ := io.ReadAll(r.Body)
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stranger {
		problem.New(http.StatusNotFound, "there is nothing").Write(w)
		return
	}
	if r.Method != http.MethodGet {
		f.requests = append(f.requests, strings.TrimSpace(r.Method+" "+string(body)))
		if f.refuses {
			problem.New(http.StatusBadRequest, "it is wrong").Write(w)
			return
		}
		f.Changes, f.Since, f.Source, f.SeedDrawn = f.Changes+1, time.Now(), "api", f.SeedDrawn && r.Method == http.MethodPatch
		switch r.Method {
		case http.MethodPut:
			f.Faults = body
		case http.MethodPatch:
			f.Faults = document.Merge(f.Faults, body)
		case http.MethodDelete:
			f.Faults, f.Source = json.RawMessage("{}"), "boot"
		}
	}
	problem.WriteJSON(w, http.StatusOK, "application/json", f)
}

// faultsWorld is caller's fault controls and the replicas they reach.
type faultsWorld struct {
	*testing.T
	network memnet.Network
	hosts   []string
	api     *gin.Engine
}

func runFaults(t *testing.T) *faultsWorld {
	t.Helper()
	w := &faultsWorld{T: t}
	r, err := newReplicas("http://flaky-pods.test.:90", Network{
		DialContext: w.network.DialContext, LookupHost: func(context.Context, string) ([]string, error) { return w.hosts, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{replicas: r}
	gin.SetMode(gin.ReleaseMode)
	w.api = gin.New()
	w.api.GET("/api/faults", s.getFaults)
	w.api.PUT("/api/faults", s.changeFaults)
	w.api.PATCH("/api/faults", s.changeFaults)
	w.api.DELETE("/api/faults", s.changeFaults)
	return w
}

// born adds a replica, at one or several hosts, until the test ends.
func (w *faultsWorld) born(f *fakeReplica, hosts ...string) {
	w.Helper()
	f.Since, f.Source, f.BootHealthy = time.Now(), "boot", f.Profile == "healthy" || f.Profile == "canary"
	if f.Faults == nil {
		f.Faults = json.RawMessage(`{}`)
	}
	f.ServedBy = "flaky-" + hosts[0]
	server := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	for _, host := range hosts {
		l, err := w.network.Listen(net.JoinHostPort(host, "90"))
		if err != nil {
			w.Fatal(err)
		}
		go func() { _ = server.Serve(l) }()
		w.hosts = append(w.hosts, host)
	}
	w.Cleanup(func() { _ = server.Close() })
}

// ask returns the status, and each replica as "served_by profile document", with what is
// special about it; or the problem.
func (w *faultsWorld) ask(method, query, body string) (got []string) {
	w.Helper()
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, httptest.NewRequestWithContext(w.Context(), method, "/api/faults"+query, strings.NewReader(body)))
	var answer faultsFailure
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		w.Fatalf("%s %s: %v in %s", method, query, err, rec.Body)
	}
	got = append(got, strings.TrimSpace(fmt.Sprint(rec.Code, " ", answer.Detail)))
	for _, e := range answer.Errors {
		got = append(got, e.String())
	}
	for _, r := range answer.Replicas {
		if r.Error != "" {
			got = append(got, r.Address+" "+r.Error)
			continue
		}
		text := strings.TrimPrefix(r.ServedBy, "flaky-") + " " + r.Profile + " " + r.document()
		if r.Differs {
			text += " differs"
		}
		got = append(got, text)
	}
	return got
}

func (w *faultsWorld) want(method, query, body string, want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.ask(method, query, body)); diff != "" {
		w.Errorf("%s %s %s: -want +got:\n%s", method, query, body, diff)
	}
}

// TestWhomAChangeIsFor: those that were born healthy, or who are named.
func TestWhomAChangeIsFor(t *testing.T) {
	for _, c := range []struct {
		query string
		asked string   // of a (healthy), b (canary, healthy as well), c (errors), d (slow)
		want  []string // the answer of a PUT that is refused
	}{
		{"", "ab", nil},
		{"?profile=healthy", "a", nil},
		{"?profile=errors", "c", nil},
		{"?profile=errors&profile=slow", "cd", nil},
		{"?profile=slow,errors,slow", "cd", nil},
		{"?profile=slow&profile=errors,canary", "bcd", nil},
		{"?profile=hang", "", []string{
			"409 no replica was born with the profile hang, so nothing was changed; there are: canary, errors, healthy, slow",
			"profile is hang: must be canary or errors or healthy or slow",
		}},
		{"?profile=reset,errors,hang", "", []string{
			"409 no replica was born with the profile hang or reset, so nothing was changed; there are: canary, errors, healthy, slow",
			"profile is hang: must be canary or errors or healthy or slow", "profile is reset: must be canary or errors or healthy or slow",
		}},
		{"?profile=", "", []string{
			`400 profile is "": must be the names of 1 to 100 profiles, with commas between them`, `profile is "": must be the names of 1 to 100 profiles, with commas between them`,
		}},
		{"?profile=errors,", "", []string{
			`400 profile is "errors,": must be the names of 1 to 100 profiles, with commas between them`, `profile is "errors,": must be the names of 1 to 100 profiles, with commas between them`,
		}},
		{"?profil=errors&all=1", "", []string{
			"400 all is 1: must be absent: the only parameter is profile\nprofil is errors: must be absent: the only parameter is profile",
			"all is 1: must be absent: the only parameter is profile", "profil is errors: must be absent: the only parameter is profile",
		}},
		{"?profile=%zz", "", []string{
			"400 query is profile=%zz: must be parameters as in profile=errors,slow", "query is profile=%zz: must be parameters as in profile=errors,slow",
		}},
	} {
		for method, body := range map[string]string{"PUT": `{"error_rate":1}`, "PATCH": `{"error_rate":0.5}`, "DELETE": ""} {
			synctest.Test(t, func(t *testing.T) {
				w := runFaults(t)
				replicas := map[string]*fakeReplica{"a": {Profile: "healthy"}, "b": {Profile: "canary"}, "c": {Profile: "errors"}, "d": {Profile: "slow"}}
				for _, name := range []string{"a", "b", "c", "d"} {
					w.born(replicas[name], name)
				}
				got := w.ask(method, c.query, body)
				asked := ""
				for _, name := range []string{"a", "b", "c", "d"} {
					if diff := cmp.Diff([]string{strings.TrimSpace(method + " " + body)}, replicas[name].requests); diff == "" {
						asked += name
					} else if len(replicas[name].requests) > 0 {
						t.Errorf("%s %s: %s was asked %s", method, c.query, name, replicas[name].requests)
					}
				}
				if c.want == nil && (got[0] != "200" || len(got) != 5) || c.want != nil && !cmp.Equal(c.want, got) || asked != c.asked {
					t.Errorf("%s %s: asked %q, answered %q; want %q, %q", method, c.query, asked, got, c.asked, c.want)
				}
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w := runFaults(t)
		w.born(&fakeReplica{Profile: "errors"}, "c")
		w.want("GET", "?profile=errors", "", "400 profile is errors: must be absent: this request has no parameters", "profile is errors: must be absent: this request has no parameters")
		many := w.ask("GET", "?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1&n=1&o=1&p=1&q=1&r=1&s=1&t=1&u=1&v=1", "")
		if len(many) != 1+maxProblems || !strings.HasSuffix(many[0], "\nand 2 more") {
			t.Errorf("of 22 problems it names %d: %s", len(many)-1, many[0])
		}
		w.want("PUT", "", "{}", "409 no replica was born healthy, so nothing was changed")
	})
}

// TestAReplicaThatHangs does not keep the page waiting for the others, and one that is only
// slow can still be changed.
func TestAReplicaThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFaults(t)
		slow := &fakeReplica{Profile: "healthy"}
		slow.delay.Store(int64(900 * time.Millisecond))
		w.born(slow, "a")
		w.born(&fakeReplica{Profile: "healthy"}, "b")
		begin := time.Now()
		took := func(want time.Duration) {
			t.Helper()
			if got := time.Since(begin); got != want {
				t.Errorf("took %v; want %v", got, want)
			}
			begin = time.Now()
		}
		w.want("GET", "", "", "502 1 of 2 replicas did not do as asked", "a:90 GET /faults: no answer within 400ms", "b healthy {}")
		took(400 * time.Millisecond)
		w.want("PUT", "", `{"error_rate":1}`, "200", `a healthy {"error_rate":1}`, `b healthy {"error_rate":1}`)
		took(1800 * time.Millisecond)
		slow.delay.Store(int64(time.Hour))
		w.want("PUT", "", `{}`, "502 1 of 2 replicas did not do as asked", "a:90 GET /faults: no answer within 2s", `b healthy {}`)
		took(2 * time.Second)
		// It may be the one that is meant.
		w.want("DELETE", "?profile=errors", "", "502 1 of 2 replicas did not do as asked", "a:90 GET /faults: no answer within 2s", `b healthy {}`)
	})
}

// TestAReplicaWithTwoAddresses is one replica, and is asked once to change something.
func TestAReplicaWithTwoAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFaults(t)
		both := &fakeReplica{Profile: "healthy"}
		w.born(both, "10.0.0.1", "fd00::1")
		w.born(&fakeReplica{Profile: "healthy"}, "10.0.0.2", "fd00::2")
		w.want("GET", "", "", "200", "10.0.0.1 healthy {}", "10.0.0.2 healthy {}")
		w.want("PUT", "", `{"error_rate":1}`, "200", `10.0.0.1 healthy {"error_rate":1}`, `10.0.0.2 healthy {"error_rate":1}`)
		w.want("GET", "", "", "200", `10.0.0.1 healthy {"error_rate":1}`, `10.0.0.2 healthy {"error_rate":1}`)
		if len(both.requests) != 1 {
			t.Errorf("asked %s", both.requests)
		}
	})
}

// TestWhoDiffers from the latest write: who missed it. Profiles are dialled by themselves.
func TestWhoDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFaults(t)
		seeded := func(seed int) json.RawMessage { return fmt.Appendf(nil, `{"seed":%d}`, seed) }
		w.born(&fakeReplica{Profile: "healthy", Faults: seeded(1), SeedDrawn: true}, "a")
		b := &fakeReplica{Profile: "healthy", Faults: seeded(2), SeedDrawn: true}
		w.born(b, "b")
		w.born(&fakeReplica{Profile: "errors", Faults: json.RawMessage(`{"error_rate":1}`)}, "e")
		w.born(&fakeReplica{Profile: "errors", Faults: json.RawMessage(`{"error_rate":0.9}`)}, "f") // by its boot profile: nobody missed anything
		const e, f = `e errors {"error_rate":1}`, `f errors {"error_rate":0.9}`
		w.want("GET", "", "", "200", "a healthy {}", "b healthy {}", e, f)
		time.Sleep(time.Minute)
		w.want("PUT", "", `{"error_rate":0.5,"seed":7}`, "200", `a healthy {"error_rate":0.5,"seed":7}`, `b healthy {"error_rate":0.5,"seed":7}`, e, f)
		time.Sleep(time.Minute)
		c := &fakeReplica{Profile: "healthy", Faults: seeded(3), SeedDrawn: true}
		w.born(c, "c") // late
		const ab = `{"error_rate":0.5,"seed":7}`
		w.want("GET", "", "", "200", "a healthy "+ab, "b healthy "+ab, "c healthy {} differs", e, f)
		b.delay.Store(int64(time.Hour)) // and misses what comes now
		w.want("PATCH", "", `{"error_rate":1}`, "502 1 of 5 replicas did not do as asked",
			`a healthy {"error_rate":1,"seed":7}`, "b:90 GET /faults: no answer within 2s", `c healthy {"error_rate":1} differs`, e, f)
		b.delay.Store(0)
		w.want("GET", "", "", "200", `a healthy {"error_rate":1,"seed":7}`, "b healthy "+ab+" differs", `c healthy {"error_rate":1} differs`, e, f)
		w.want("PUT", "?profile=errors", `{"hang":{"rate":1}}`, "200", `a healthy {"error_rate":1,"seed":7}`, "b healthy "+ab+" differs",
			`c healthy {"error_rate":1} differs`, `e errors {"hang":{"rate":1}}`, `f errors {"hang":{"rate":1}}`)
		time.Sleep(time.Minute)
		b.delay.Store(int64(time.Hour)) // and misses the way back
		w.want("DELETE", "", "", "502 1 of 5 replicas did not do as asked",
			"a healthy {}", "b:90 GET /faults: no answer within 2s", "c healthy {}", `e errors {"hang":{"rate":1}}`, `f errors {"hang":{"rate":1}}`)
		b.delay.Store(0)
		w.want("GET", "", "", "200", "a healthy {}", "b healthy "+ab+" differs", "c healthy {}", `e errors {"hang":{"rate":1}}`, `f errors {"hang":{"rate":1}}`)
		w.want("DELETE", "", "", "200", "a healthy {}", "b healthy {}", "c healthy {}", `e errors {"hang":{"rate":1}}`, `f errors {"hang":{"rate":1}}`)
		w.born(&fakeReplica{Profile: "healthy", Faults: seeded(4), SeedDrawn: true}, "d")
		w.want("GET", "", "", "200", "a healthy {}", "b healthy {}", "c healthy {}", "d healthy {}", `e errors {"hang":{"rate":1}}`, `f errors {"hang":{"rate":1}}`)
	})
}

// TestAChangeThatIsRefused by all is what they say of it; where another one took it, each
// is shown.
func TestAChangeThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runFaults(t)
		a, b := &fakeReplica{Profile: "healthy", refuses: true}, &fakeReplica{Profile: "healthy", refuses: true}
		w.born(a, "a")
		w.born(b, "b")
		w.want("PATCH", "", "{}", "400 it is wrong")
		b.refuses = false
		w.want("PATCH", "", `{"error_rate":1}`, "502 1 of 2 replicas did not do as asked",
			"a:90 PATCH /faults: Bad Request: it is wrong", `b healthy {"error_rate":1}`)
		w.born(&fakeReplica{stranger: true}, "c") // refuses nothing, but is none
		a.refuses = false
		w.want("PUT", "", "{}", "502 1 of 3 replicas did not do as asked", "a healthy {}", "b healthy {}", "c:90 GET /faults: Not Found: there is nothing")
		a.refuses, b.refuses = true, true
		w.want("PUT", "", "{}", "400 it is wrong")
	})
}
